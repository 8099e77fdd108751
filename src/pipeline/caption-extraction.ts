/** The texts inside of sources: read out of them once, all of a source's in one pass. */
import PQueue from 'p-queue';
import type { Video, VideoId } from '../catalog/video.ts';
import { parseCaptions } from '../containers/webvtt/parse-captions.ts';
import { writeWebvtt } from '../containers/webvtt/write-webvtt.ts';
import type { MediaEngine, SourceBytes } from '../engine/engine.ts';
import type { Pace } from '../engine/pace.ts';
import { type AppError, isAppError } from '../errors.ts';
import type { PackageInfo } from '../media/package.ts';
import type { SourceInfo } from '../media/source.ts';
import { packagedCaptionText } from '../readers/package-captions.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { CaptionStore } from './caption-store.ts';
import { MAX_CAPTION_BYTES } from './caption-text.ts';
import { idInSource } from './captions-of-video.ts';

/** What it works with. */
export type ExtractionOptions = {
  readonly engine: Pick<MediaEngine, 'captions'>;
  readonly texts: CaptionStore;
  readonly sourceOf: (video: Video) => SourceBytes;
  /** Where packages lie. */
  readonly library: ObjectStore;
  /** Ends everything. Nobody else's going away does: the next one who asks finds the texts. */
  readonly closing: AbortSignal;
};

/** Trying again does not mend these. */
const FINAL_CODES = ['source_damaged', 'source_unsupported', 'encode_failed', 'encode_timeout'] as const;

/** Reads texts out of sources, one source at a time: it is the disk that is busy with it. */
export class CaptionExtraction {
  readonly #options: ExtractionOptions;
  readonly #queue = new PQueue({ concurrency: 1 });
  readonly #running = new Map<string, Run>();
  readonly #failed = new Map<string, AppError>();

  constructor(options: ExtractionOptions) {
    this.#options = options;
  }

  /**
   * Resolves when every text inside the source of `video` is stored under its id. Throws why it cannot be read.
   * With a pace, nobody waits for it.
   */
  extract(video: Video, pace?: Pace): Promise<void> {
    const key = `${video.id}/${video.revision}`;
    const failure = this.#failed.get(key);
    if (failure !== undefined) return Promise.reject(failure);
    const run = this.#running.get(key) ?? this.#start(video, key, pace);
    this.#running.set(key, run);
    return run.done;
  }

  /** Ends the reading of a video's source, if it is going on. Resolves when nothing more is stored. */
  async stop(videoId: VideoId): Promise<void> {
    const runs = [...this.#running.values()].filter((run) => run.videoId === videoId);
    for (const { controller } of runs) controller.abort();
    await Promise.allSettled(runs.map(({ done }) => done));
  }

  #start(video: Video, key: string, pace: Pace | undefined): Run {
    const controller = new AbortController();
    const signal = AbortSignal.any([controller.signal, this.#options.closing]);
    const done = this.#queue
      .add(() => this.#read(video, signal, pace))
      .catch((error: unknown) => {
        if (FINAL_CODES.some((code) => isAppError(error, code))) this.#failed.set(key, error as AppError);
        throw error;
      })
      .finally(() => this.#running.delete(key));
    return { videoId: video.id, controller, done };
  }

  async #read(video: Video, signal: AbortSignal, pace: Pace | undefined): Promise<void> {
    if (video.content?.kind === 'media') await this.#readSource(video, video.content.source, signal, pace);
    if (video.content?.kind === 'package') await this.#readPackage(video, video.content.package, signal);
  }

  async #readPackage(video: Video, info: PackageInfo, signal: AbortSignal): Promise<void> {
    const { texts, library } = this.#options;
    const place = { store: library, root: info.root, signal };
    for (const [index, caption] of (info.captions ?? []).entries()) {
      const text = await packagedCaptionText(place, info, caption).catch(emptyIfDamaged);
      await texts.putAs(video.id, idInSource(video, index), text, signal);
    }
  }

  async #readSource(
    video: Video,
    source: SourceInfo,
    signal: AbortSignal,
    pace: Pace | undefined,
  ): Promise<void> {
    const { engine, texts, sourceOf } = this.#options;
    const request = { source: sourceOf(video), info: source };
    const found = await engine.captions(
      pace === undefined ? { ...request, priority: 'viewer' } : { ...request, priority: 'background', pace },
      signal,
    );
    for (const caption of source.captions ?? []) {
      const text = checkedText(found.get(caption.streamIndex));
      await texts.putAs(video.id, idInSource(video, caption.streamIndex), text, signal);
    }
  }
}

type Run = {
  readonly videoId: VideoId;
  readonly controller: AbortController;
  readonly done: Promise<void>;
};

/** One text that cannot be read does not keep the others away. */
function emptyIfDamaged(error: unknown): string {
  if (isAppError(error, 'source_damaged')) return writeWebvtt([]);
  throw error;
}

/** What a child says is read like what anybody uploads. A track without a text is an empty one. */
function checkedText(bytes: Uint8Array | undefined): string {
  if (bytes === undefined || bytes.length > MAX_CAPTION_BYTES) return writeWebvtt([]);
  try {
    return writeWebvtt(parseCaptions(new TextDecoder().decode(bytes)));
  } catch (error) {
    if (!isAppError(error)) throw error;
    return writeWebvtt([]);
  }
}
