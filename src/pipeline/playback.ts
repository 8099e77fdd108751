/** The origin: what lies at each address below `/v/{id}/`, made on the spot where it is not stored. */
import { LRUCache } from 'lru-cache';
import PQueue from 'p-queue';
import type { Video, VideoId } from '../catalog/video.ts';
import type { VideoRepository } from '../catalog/video-repository.ts';
import type { MediaEngine } from '../engine/engine.ts';
import { AppError } from '../errors.ts';
import type { Composed, Format, Manifest, Rewrapped, StoredMedia } from '../formats/format.ts';
import { FORMATS } from '../formats/registry.ts';
import { resolveTrickPlay } from '../formats/trick-play.ts';
import type { ByteRange } from '../media/byte-range.ts';
import type { PackageInfo } from '../media/package.ts';
import { TRICK_FOLDER } from '../media/presentation.ts';
import { joinKey, parseObjectKey } from '../storage/object-key.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { Captions } from './captions.ts';
import { Composer } from './composer.ts';
import type { VideoEvents } from './events.ts';
import { storeInitSegments } from './encode-missing.ts';
import { memoryResource } from './memory-resource.ts';
import { KnownVideos } from './known-videos.ts';
import type { Encodable, SegmentMaker } from './segment-maker.ts';
import { packageEntry } from './package-entry.ts';
import { PackageMedia } from './package-media.ts';
import { withPatience } from './patience.ts';
import type { Pictures } from './pictures.ts';
import type { Plans } from './plans.ts';
import type { Redirect, Resource } from './resource.ts';
import type { SegmentProgress } from './segment-progress.ts';
import type { SegmentStore, TrackAddress } from './segment-store.ts';
import type { PlaybackService } from './services.ts';
import { SharedWork } from './shared-work.ts';
import { transportCaptions } from './transport-captions.ts';
import { storeResource } from './store-resource.ts';

export type PlaybackOptions = {
  readonly videos: VideoRepository;
  readonly events: VideoEvents;
  /** Where packages lie. */
  readonly library: ObjectStore;
  readonly segments: SegmentStore;
  readonly engine: MediaEngine;
  readonly encoder: SegmentMaker;
  readonly plans: Plans;
  readonly progress: SegmentProgress;
  readonly pictures: Pictures;
  readonly captions: Captions;
};

const ALL_BYTES: ByteRange = { start: 0 };
const KEPT_MANIFESTS = 500;
/** What was rewrapped lately, in memory: making it again is cheap, storing it would be a second copy. */
const REWRAPPED_BYTES = 64 * 1024 * 1024;

/** In the name of a file: four bytes each, and 255 are the usual limit. */
const MAX_TITLE_LETTERS = 55;

/** Where the segments of a ready-made package are found below `/v/{id}/`. */
const PACKAGE_FOLDER = 'package';

/** All that follows from the Presentation and the stored media: formats, and what several of them address. */
const DERIVED: readonly Pick<Format, 'name' | 'resolve'>[] = [
  ...FORMATS,
  { name: TRICK_FOLDER, resolve: resolveTrickPlay },
];

/** Answers what players ask for. */
export function playbackService(options: PlaybackOptions): PlaybackService {
  const { videos, segments, plans, progress } = options;
  const watched = new KnownVideos(videos, options.events);
  const manifests = new LRUCache<string, Resource>({ max: KEPT_MANIFESTS });
  const rewrapped = new LRUCache<string, Resource>({
    maxSize: REWRAPPED_BYTES,
    sizeCalculation: ({ bytes }) => Math.max(1, bytes),
  });
  const composer = new Composer();
  const rewrapping = new SharedWork<Resource>();
  const packages = new PackageMedia(options.library);
  const initQueue = new PQueue({ concurrency: 2 });

  return {
    async resolve(id, path, signal, willRead) {
      const [first = '', ...rest] = path.split('/');
      if (first === 'cmaf') {
        const reading = segments.isElsewhere ? undefined : willRead;
        return nearest(id, await media(id, rest, signal, reading));
      }
      const known = kept(await videos.get(id));
      if (first === 'captions') return captionText(known, rest, signal);
      const video = playable(known);
      if (first === PACKAGE_FOLDER) return packageFile(video, rest, signal, willRead);
      if (path === 'poster.jpg') return options.pictures.poster(video, signal);
      if (first === 'storyboard' || first === 'storyboard.vtt')
        return options.pictures.storyboard(video, path, signal);
      return formatted(video, path, signal);
    },
  };

  /** What is private is fetched from us alone, and so is what nobody can say it of. */
  async function nearest(id: VideoId, resource: Resource): Promise<Resource | Redirect> {
    if (resource.elsewhere === undefined) return resource;
    const video = await watched.get(id).catch(() => undefined);
    return video?.visibility === 'public' ? resource.elsewhere() : resource;
  }

  function kept(video: Video | undefined): Video | undefined {
    if (video?.source.origin === 'upload') segments.keep(video.id);
    return video;
  }

  /** A stored segment costs one look into the store, and the catalog nothing. */
  async function media(
    id: VideoId,
    parts: readonly string[],
    signal: AbortSignal,
    willRead?: ByteRange,
  ): Promise<Resource> {
    const [revision = '', trackId = '', name = ''] = parts;
    const match = /^(?:init\.mp4|(0|[1-9]\d{0,8})\.m4s)$/.exec(name);
    if (match === null || parts.length !== 3 || !isPlainName(revision) || !isPlainName(trackId))
      throw nothingHere();
    const track: TrackAddress = { videoId: id, revision, trackId };
    if (match[1] === undefined) return initSegment(track, signal, willRead);
    const index = Number(match[1]);
    if (segments.isStored(track, index)) options.encoder.noteWatched(track, index);
    return segment(track, index, signal, willRead);
  }

  async function segment(
    track: TrackAddress,
    index: number,
    signal: AbortSignal,
    willRead?: ByteRange,
  ): Promise<Resource> {
    const stored = await segments.segment(track, index, signal, willRead);
    if (stored !== undefined) return stored;
    const video = await videoOf(track);
    if (video.content?.kind === 'package')
      return packages.resource(video, video.content.package, { trackId: track.trackId, index }, signal);
    const target = encodable(video);
    return withPatience(
      options.encoder.segment(target, track.trackId, index, signal),
      'the segment is still being encoded: ask again in a moment',
    );
  }

  async function initSegment(
    track: TrackAddress,
    signal: AbortSignal,
    willRead?: ByteRange,
  ): Promise<Resource> {
    const stored = await segments.initSegment(track, signal, willRead);
    if (stored !== undefined) return stored;
    const video = await videoOf(track);
    if (video.content?.kind === 'package')
      return packages.resource(
        video,
        video.content.package,
        { trackId: track.trackId, index: 'init' },
        signal,
      );
    const { plan } = encodable(video);
    if (!plan.encodings.has(track.trackId)) throw nothingHere();
    await initQueue.add(() => storeInitSegments(options, video, plan, signal));
    const made = await segments.initSegment(track, signal);
    if (made === undefined) throw new AppError('unavailable', 'the init segment was removed again');
    return made;
  }

  /** Also of a video that cannot be played yet: its captions may have been added already. */
  async function captionText(
    video: Video | undefined,
    [name = '', ...rest]: readonly string[],
    signal: AbortSignal,
  ): Promise<Resource> {
    const [, captionId, variant] = /^([A-Za-z0-9-]{1,64})(\.ts)?\.vtt$/.exec(name) ?? [];
    if (video === undefined || captionId === undefined || rest.length > 0) throw nothingHere();
    const text = await options.captions.text(video, captionId, signal);
    return variant === undefined ? text : transportCaptions(text, signal);
  }

  async function videoOf({ videoId, revision }: TrackAddress): Promise<Video> {
    const video = playable(kept(await watched.get(videoId)));
    if (video.revision !== revision) throw nothingHere();
    return video;
  }

  function encodable(video: Video): Encodable {
    const plan = plans.planOf(video);
    if (video.content?.kind !== 'media' || plan === undefined) throw nothingHere();
    return { video, info: video.content.source, plan };
  }

  async function formatted(video: Video, path: string, signal: AbortSignal): Promise<Resource | Redirect> {
    const key = `${video.id}/${video.revision}/${path}`;
    // Captions come and go; what is made of segments does not change with them.
    const manifestKey = `${key} ${JSON.stringify(video.captions ?? [])}`;
    const known = manifests.get(manifestKey) ?? rewrapped.get(key);
    if (known !== undefined) return known;
    const format = DERIVED.find(({ name }) => path.startsWith(`${name}/`));
    if (format === undefined) throw nothingHere();
    if (video.content?.kind === 'package' && packageEntry(video.content.package, format.name) !== undefined)
      return redirectToPackage(video.content.package, video.revision, path);
    const presentation = plans.cmafOf(video);
    const found = presentation && format.resolve({ presentation, revision: video.revision }, path);
    if (found === undefined) throw nothingHere();
    if (found.kind === 'rewrapped')
      return rewrapping.result(key, (shared) => rewrap(video, found, key, shared), signal);
    if (found.kind === 'composed') return compose(video, path, found);
    const resource = textResource(found);
    manifests.set(manifestKey, resource);
    return resource;
  }

  async function rewrap(video: Video, found: Rewrapped, key: string, signal: AbortSignal): Promise<Resource> {
    const inputs = await Promise.all(found.inputs.map((input) => storedBytes(video, input, signal)));
    const resource = memoryResource(found.make(inputs), found.mediaType, { isImmutable: true });
    rewrapped.set(key, resource);
    return resource;
  }

  async function storedBytes(video: Video, input: StoredMedia, signal: AbortSignal): Promise<Uint8Array> {
    const name = input.index === 'init' ? 'init.mp4' : `${input.index}.m4s`;
    const resource = await media(video.id, [video.revision, input.trackId, name], signal, ALL_BYTES);
    return new Uint8Array(await new Response(await resource.open(undefined, signal)).arrayBuffer());
  }

  async function compose(video: Video, path: string, composed: Composed): Promise<Resource> {
    const { id: videoId, revision } = video;
    const key = `${videoId}/${revision}/${path}`;
    if (!composer.isKnown(key)) await requireStored(video, composed);
    return composer.resource(composed, {
      key,
      identity: `${revision}/${path}`,
      fileName: fileNameOf(video, path),
      openMedia: async ({ trackId, index }, signal, willRead) => {
        const track: TrackAddress = { videoId, revision, trackId };
        return index === 'init'
          ? initSegment(track, signal, willRead)
          : segment(track, index, signal, willRead);
      },
    });
  }

  async function requireStored(video: Video, { inputs }: Composed): Promise<void> {
    await progress.load(video);
    const { stored, total } = progress.countsOf(video, new Set(inputs.map(({ trackId }) => trackId)));
    if (stored === total) return;
    const soFar = `${stored} of ${total} segments are`;
    throw new AppError('not_ready', `this file is there once all of it is stored: ${soFar}`);
  }

  /** Only what the package's own manifests refer to: whatever else lies in the folder is nobody's business. */
  async function packageFile(
    video: Video,
    parts: readonly string[],
    signal: AbortSignal,
    willRead?: ByteRange,
  ): Promise<Resource> {
    const [revision, ...rest] = parts;
    const path = rest.join('/');
    if (video.content?.kind !== 'package' || revision !== video.revision) throw nothingHere();
    const { files, root } = video.content.package;
    const file = files.find((candidate) => candidate.path === path);
    if (file === undefined) throw nothingHere();
    const key = root === '' ? parseObjectKey(path) : joinKey(root, path);
    const isImmutable = !/mpegurl|dash\+xml/.test(file.mediaType);
    return storeResource(options.library, key, { mediaType: file.mediaType, isImmutable, signal, willRead });
  }
}

/** Sends players to where the package's own manifest lies, so that its relative links work unchanged. */
function redirectToPackage(info: PackageInfo, revision: string, path: string): Redirect {
  const format = FORMATS.find(({ entry }) => entry === path);
  const entry = format && packageEntry(info, format.name);
  if (entry === undefined) throw nothingHere();
  const target = [PACKAGE_FOLDER, revision, ...entry.split('/')].map(encodeURIComponent).join('/');
  return { redirectTo: `../${target}` };
}

function textResource({ text, mediaType }: Manifest): Resource {
  return memoryResource(new TextEncoder().encode(text), mediaType, { isImmutable: false });
}

function playable(video: Video | undefined): Video {
  if (video === undefined) throw new AppError('not_found', 'there is no such video');
  if (video.error !== undefined) throw new AppError(video.error.code, video.error.message);
  if (video.content === undefined) throw new AppError('not_ready', 'the video is still being inspected');
  return video;
}

/** Revisions and track ids are ours: nothing else can be the name of one. */
function isPlainName(text: string): boolean {
  return /^[A-Za-z0-9_-]{1,64}$/.test(text);
}

function nothingHere(): AppError {
  return new AppError('not_found', 'there is nothing at this address');
}

/** `Title 480p.mp4`, short enough for any file system. */
function fileNameOf({ title }: Video, path: string): string {
  return `${[...title].slice(0, MAX_TITLE_LETTERS).join('')} ${path.slice(path.lastIndexOf('/') + 1)}`;
}
