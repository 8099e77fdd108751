/** Posters: made when first asked for, once, a few at a time. */
import PQueue from 'p-queue';
import type { Video } from '../catalog/video.ts';
import type { MediaEngine, SourceBytes } from '../engine/engine.ts';
import { AppError } from '../errors.ts';
import { packageExcerpt } from './package-excerpt.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { Resource } from './resource.ts';
import type { SegmentStore } from './segment-store.ts';

export type PictureOptions = {
  readonly engine: MediaEngine;
  readonly segments: SegmentStore;
  readonly sourceOf: (video: Video) => SourceBytes;
  /** Where packages lie. */
  readonly library: ObjectStore;
  readonly concurrency: number;
};

/** Pixels on the longer side: sharp on a card of the library page, and as a poster before the first frame. */
const POSTER_SIDE = 960;

/** The posters of a server. */
export class Pictures {
  readonly #options: PictureOptions;
  readonly #queue: PQueue;
  readonly #making = new Map<string, Promise<Resource>>();
  /** Those that cannot be made: not tried again on every view of the library. */
  readonly #failed = new Set<string>();

  constructor(options: PictureOptions) {
    this.#options = options;
    this.#queue = new PQueue({ concurrency: options.concurrency });
  }

  /** Throws `not_found` for a video without picture, or the reason why none can be made. */
  async poster(video: Video, signal: AbortSignal): Promise<Resource> {
    const stored = await this.#options.segments.poster(video.id, video.revision, signal);
    if (stored !== undefined) return stored;
    const key = `${video.id}/${video.revision}`;
    if (this.#failed.has(key)) throw new AppError('not_found', 'there is no picture of this video');
    const making = this.#making.get(key) ?? this.#make(video, key);
    this.#making.set(key, making);
    return making;
  }

  /** Not tied to one viewer's signal: others wait for the same picture. */
  async #make(video: Video, key: string): Promise<Resource> {
    const { segments } = this.#options;
    const signal = AbortSignal.timeout(60_000);
    try {
      const bytes = await this.#queue.add(() => this.#take(video, signal));
      await segments.putPoster(video.id, video.revision, bytes, signal);
      const stored = await segments.poster(video.id, video.revision, signal);
      if (stored === undefined) throw new AppError('unavailable', 'the picture was removed again');
      return stored;
    } catch (error) {
      this.#failed.add(key);
      throw error;
    } finally {
      this.#making.delete(key);
    }
  }

  async #take(video: Video, signal: AbortSignal): Promise<Uint8Array> {
    const { engine, sourceOf, library } = this.#options;
    if (video.content?.kind === 'media') {
      if (video.content.source.video === undefined)
        throw new AppError('not_found', 'this is sound without picture');
      return engine.picture(sourceOf(video), video.content.source, POSTER_SIDE, signal);
    }
    if (video.content?.kind !== 'package')
      throw new AppError('not_ready', 'the video is still being inspected');
    const excerpt = await packageExcerpt(library, video, video.content.package, signal);
    const info = await engine.inspect(excerpt, signal);
    return engine.picture(excerpt, info, POSTER_SIDE, signal);
  }
}
