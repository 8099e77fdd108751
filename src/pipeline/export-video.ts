/**
 * Static export: everything that players fetch of a video, as objects in a store, under the paths that it has below
 * `/v/{id}/`. A plain web server plays it from there.
 */
import PQueue from 'p-queue';
import type { Video, VideoId } from '../catalog/video.ts';
import { Pace } from '../engine/pace.ts';
import { AppError, isAppError } from '../errors.ts';
import type { Format } from '../formats/format.ts';
import { FORMATS } from '../formats/registry.ts';
import type { PackageInfo } from '../media/package.ts';
import { sheetCount } from '../media/storyboard.ts';
import { parseObjectKey } from '../storage/object-key.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { type EncodeMissingOptions, chunksOf, encodeMissing } from './encode-missing.ts';
import { packageEntry } from './package-entry.ts';
import { storyboardOf } from './pictures.ts';
import type { Plans } from './plans.ts';
import { type Resource, isRedirect } from './resource.ts';
import type { PlaybackService, VideoService } from './services.ts';

/** What exporting works with. */
export type ExportOptions = EncodeMissingOptions & {
  readonly videos: Pick<VideoService, 'get' | 'playback'>;
  readonly playback: PlaybackService;
  readonly plans: Plans;
  /** Chunks that are encoded at a time. */
  readonly concurrency: number;
};

export type ExportRequest = {
  readonly videoId: VideoId;
  /** Names of formats: `hls`, `dash`. */
  readonly formats: readonly string[];
  readonly target: ObjectStore;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ExportProgress) => void;
};

/** Chunks while encoding, objects while copying. */
export type ExportProgress = {
  readonly stage: 'encoding' | 'copying';
  readonly done: number;
  readonly total: number;
};

export type ExportResult = {
  /** What players are given, relative to the target. */
  readonly entries: readonly string[];
  readonly written: number;
  /** Objects that were there already, the same. */
  readonly kept: number;
  readonly writtenBytes: number;
};

/** Objects that are copied at a time. */
const COPIES = 4;
/** An object of which so much is the same is the same: in a manifest that is all, in an MP4 file the tables. */
const COMPARED_BYTES = 1024 * 1024;
/** Waiting for one segment: each time it is asked for, the answer takes eight seconds at most. */
const MAX_ATTEMPTS = 75;

/**
 * Encodes what is missing and writes what the target has not yet; to be run again after a break. Manifests come last,
 * the entries at the very end, so that nothing ever leads to what is not there. Throws `not_found`, `not_ready`, what
 * the video has failed with, `invalid_request` for formats that it has not, and what encoding and storing throw.
 */
export async function exportVideo(options: ExportOptions, request: ExportRequest): Promise<ExportResult> {
  const video = await options.videos.get(request.videoId);
  if (video.error !== undefined) throw new AppError(video.error.code, video.error.message);
  if (video.content === undefined) throw new AppError('not_ready', 'the video has not been inspected yet');
  const { media, manifests, entries } = contentsOf(options, video, formatsOf(request.formats));
  const pictures = picturesOf(options, video);
  await encodeAll(options, video, request);
  const total = media.length + pictures.length + manifests.length + entries.length;
  const tally = { written: 0, kept: 0, writtenBytes: 0 };
  for (const paths of [media, pictures, manifests, entries]) {
    await forEach(paths, COPIES, request.signal, async (path) => {
      const bytes = await copy(options.playback, request, path).catch((error: unknown) => {
        // From some videos no picture can be taken.
        if (!pictures.includes(path) || !isAppError(error, 'not_found')) throw error;
        return undefined;
      });
      if (bytes === undefined) tally.kept++;
      else tally.written++;
      tally.writtenBytes += bytes ?? 0;
      request.onProgress({ stage: 'copying', done: tally.written + tally.kept, total });
    });
  }
  return { entries, ...tally };
}

function formatsOf(names: readonly string[]): readonly Format[] {
  return names.map((wanted) => {
    const format = FORMATS.find(({ name }) => name === wanted);
    if (format !== undefined) return format;
    const all = FORMATS.map(({ name }) => name).join(', ');
    throw new AppError('invalid_request', `there is no format "${wanted}": there are ${all}`);
  });
}

/** Paths below `/v/{id}/`, each once: what is media, what leads to it, and what players are given. */
type Contents = Readonly<Record<'media' | 'manifests' | 'entries', readonly string[]>>;

function contentsOf({ plans }: ExportOptions, video: Video, formats: readonly Format[]): Contents {
  const all = formats.map((format) => {
    const info = video.content?.kind === 'package' ? video.content.package : undefined;
    const entry = info && packageEntry(info, format.name);
    return info !== undefined && entry !== undefined
      ? packageContents(info, entry, video.revision)
      : formatContents(format, video, plans);
  });
  const each = (kind: keyof Contents): readonly string[] => [...new Set(all.flatMap((one) => one[kind]))];
  const entries = each('entries');
  const before = (kind: keyof Contents) => each(kind).filter((path) => !entries.includes(path));
  return { media: before('media'), manifests: before('manifests'), entries };
}

/** In its own formats a package is played from its own files. */
function packageContents({ files }: PackageInfo, entry: string, revision: string): Contents {
  const pathOf = (path: string): string => `package/${revision}/${path}`;
  return { media: files.map(({ path }) => pathOf(path)), manifests: [], entries: [pathOf(entry)] };
}

function formatContents(format: Format, video: Video, plans: Plans): Contents {
  const presentation = plans.cmafOf(video);
  if (presentation === undefined || format.accepts?.(presentation) === false)
    throw new AppError('invalid_request', `this video cannot be had in the format ${format.name}`);
  const input = { presentation, revision: video.revision };
  const paths = format.paths(input);
  const manifests = paths.filter((path) => format.resolve(input, path)?.kind === 'manifest');
  const files = (format.qualities?.(presentation) ?? []).map(({ path }) => path);
  return {
    media: [...(format.media?.(input) ?? []), ...paths.filter((path) => !manifests.includes(path))],
    manifests,
    entries: format.entry === undefined ? files : [format.entry],
  };
}

/** Poster and storyboard, where they exist; what leads to the sheets comes last. */
function picturesOf({ plans, videos }: ExportOptions, video: Video): readonly string[] {
  const { poster, storyboard } = videos.playback(video);
  const planned = storyboard === undefined ? undefined : storyboardOf(video, plans);
  const sheets = Array.from({ length: planned === undefined ? 0 : sheetCount(planned) }, (_, sheet) => sheet);
  return [
    ...(poster === undefined ? [] : ['poster.jpg']),
    ...sheets.map((sheet) => `storyboard/${video.revision}/${sheet}.jpg`),
    ...(storyboard === undefined ? [] : [storyboard]),
  ];
}

async function encodeAll(options: ExportOptions, video: Video, request: ExportRequest): Promise<void> {
  const plan = options.plans.planOf(video);
  if (plan === undefined) return;
  if (video.source.origin === 'upload') options.segments.keep(video.id);
  const chunks = chunksOf(video, plan);
  let done = 0;
  await forEach(chunks, options.concurrency, request.signal, async (chunk) => {
    await encodeMissing(options, { video, plan, chunk }, new Pace(), request.signal);
    request.onProgress({ stage: 'encoding', done: ++done, total: chunks.length });
  });
}

/** A few at a time; after the first failure nothing is begun any more. */
async function forEach<T>(
  items: readonly T[],
  concurrency: number,
  signal: AbortSignal,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = new PQueue({ concurrency });
  try {
    await queue.addAll(
      items.map((item) => async () => {
        if (signal.aborted) throw new AppError('aborted', 'the export was stopped');
        await work(item);
      }),
    );
  } finally {
    queue.clear();
  }
}

/** How many bytes were written; undefined where the same object was there. */
async function copy(
  playback: PlaybackService,
  { videoId, target, signal }: ExportRequest,
  path: string,
): Promise<number | undefined> {
  const resource = await resolve(playback, videoId, path, signal);
  if (await isThere(target, path, resource, signal)) return undefined;
  await target.put(parseObjectKey(path), await resource.open(undefined, signal), {
    signal,
    contentType: resource.mediaType,
    isImmutable: resource.isImmutable,
  });
  return resource.bytes;
}

/** `unavailable` means that it is being made. */
async function resolve(
  playback: PlaybackService,
  videoId: VideoId,
  path: string,
  signal: AbortSignal,
): Promise<Resource> {
  for (let attempt = 1; ; attempt++) {
    try {
      const found = await playback.resolve(videoId, path, signal);
      if (!isRedirect(found)) return found;
      throw new AppError('internal', `${path} lies elsewhere`);
    } catch (error) {
      if (!isAppError(error, 'unavailable') || attempt === MAX_ATTEMPTS || signal.aborted) throw error;
    }
  }
}

async function isThere(
  target: ObjectStore,
  path: string,
  resource: Resource,
  signal: AbortSignal,
): Promise<boolean> {
  const key = parseObjectKey(path);
  try {
    const { bytes } = await target.head(key, { signal });
    if (bytes !== resource.bytes) return false;
    if (resource.isImmutable || bytes === 0) return true;
    const range = { start: 0, end: Math.min(bytes, COMPARED_BYTES) - 1 };
    const there = await target.get(key, { range, signal });
    const [a, b] = await Promise.all([readAll(there.body), readAll(await resource.open(range, signal))]);
    return a.equals(b);
  } catch (error) {
    if (isAppError(error, 'object_not_found')) return false;
    throw error;
  }
}

async function readAll(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  return Buffer.from(await new Response(stream).arrayBuffer());
}
