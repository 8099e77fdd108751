/** Pictures of videos: posters, and the sheets of storyboards. Made when first asked for, once, a few at a time. */
import { LRUCache } from 'lru-cache';
import PQueue from 'p-queue';
import type { Video } from '../catalog/video.ts';
import type { MediaEngine, PictureRequest, SourceBytes } from '../engine/engine.ts';
import type { Pace } from '../engine/pace.ts';
import type { WantedPicture } from '../engine/protocol.ts';
import { AppError, isAppError } from '../errors.ts';
import { storyboardVtt } from '../formats/storyboard.ts';
import { presentationDurationSeconds } from '../media/presentation.ts';
import type { PackageInfo } from '../media/package.ts';
import { planStoryboard, sheetCount, type Storyboard, tilesOfSheet } from '../media/storyboard.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { memoryResource } from './memory-resource.ts';
import { packageExcerpt, packageFrame, packageTiles, smallestTrack } from './package-excerpt.ts';
import { withPatience } from './patience.ts';
import type { Plans } from './plans.ts';
import type { PosterStore } from './poster-store.ts';
import type { Resource } from './resource.ts';
import type { SegmentStore } from './segment-store.ts';
import { SharedWork } from './shared-work.ts';

export type PictureOptions = {
  readonly engine: MediaEngine;
  readonly segments: SegmentStore;
  readonly posters: PosterStore;
  readonly plans: Plans;
  readonly sourceOf: (video: Video) => SourceBytes;
  /** Where packages lie. */
  readonly library: ObjectStore;
  /** Pictures at a time that somebody waits for. */
  readonly concurrency: number;
};

/** Pixels on the longer side: sharp on a card of the library page, and as a poster before the first frame. */
export const POSTER_SIDE = 960;
const POSTER = 'poster.jpg';
const BEST: WantedPicture = { kind: 'best', maxSide: POSTER_SIDE };

const MEDIA_TYPE = 'image/jpeg';
const VTT_TYPE = 'text/vtt; charset=utf-8';
const TIMEOUT_MS = 60_000;
/** What cannot be made is not tried again on every view of the library, but some time later. */
const FAILURE_MS = 10 * 60_000;

/** How one picture is made, and what it is called in the store. */
type Work = {
  readonly video: Video;
  readonly name: string;
  readonly make: (signal: AbortSignal) => Promise<Uint8Array>;
};

/** The pictures of a server. */
export class Pictures {
  readonly #options: PictureOptions;
  readonly #queue: PQueue;
  readonly #making = new SharedWork<Resource>();
  readonly #failed = new LRUCache<string, true>({ max: 10_000, ttl: FAILURE_MS });
  #asked = 0;

  constructor(options: PictureOptions) {
    this.#options = options;
    this.#queue = new PQueue({ concurrency: options.concurrency });
  }

  /** The chosen one, or a good frame. Throws `not_found` for a video without picture, or why none can be made. */
  async poster(video: Video, signal: AbortSignal): Promise<Resource> {
    const chosen = video.poster && (await this.#options.posters.resource(video.id, video.poster, signal));
    if (chosen) return chosen;
    const work = { video, name: POSTER, make: (own: AbortSignal) => this.#automatic(video, 'viewer', own) };
    // Another one may be chosen: the address stays.
    return { ...(await this.#demand(work, 0, signal)), isImmutable: false };
  }

  /** What lies at `path` below `/v/{id}/`: the text of the storyboard, or one of its sheets. Throws as {@link poster}. */
  async storyboard(video: Video, path: string, signal: AbortSignal): Promise<Resource> {
    const storyboard = storyboardOf(video, this.#options.plans);
    if (storyboard === undefined) throw nothingHere();
    const folder = `storyboard/${video.revision}`;
    if (path === 'storyboard.vtt') {
      const text = storyboardVtt(storyboard, (sheet) => `${folder}/${sheet}.jpg`);
      return memoryResource(new TextEncoder().encode(text), VTT_TYPE, { isImmutable: false });
    }
    const sheets = Array.from({ length: sheetCount(storyboard) }, (_, sheet) => sheet);
    const sheet = sheets.find((candidate) => path === `${folder}/${candidate}.jpg`);
    if (sheet === undefined) throw nothingHere();
    // Whoever moves along the seek bar waits for where the pointer is now, not for where it was.
    return this.#demand(this.#sheet(video, storyboard, sheet, 'viewer'), ++this.#asked, signal);
  }

  /**
   * A JPEG of the frame shown at `seconds`. Throws `invalid_request` for a time outside of the video, `not_found` and
   * `not_ready` where there is no picture (yet).
   */
  async frameAt(video: Video, seconds: number, signal: AbortSignal): Promise<Uint8Array> {
    const presentation = this.#options.plans.presentationOf(video);
    if (presentation === undefined) throw notInspected();
    if (!(seconds >= 0 && seconds < presentationDurationSeconds(presentation)))
      throw new AppError('invalid_request', 'timeSeconds: there is no such time in the video');
    if (video.content?.kind === 'package') return this.#packageFrame(video, seconds, signal);
    return this.#take(video, { kind: 'at', seconds, maxSide: POSTER_SIDE }, { priority: 'viewer' }, signal);
  }

  /** Makes whatever there is to make of a video, in the background: nobody waits for it. */
  async makeAll(video: Video, pace: Pace, signal: AbortSignal): Promise<void> {
    const { segments, plans } = this.#options;
    const storyboard = storyboardOf(video, plans);
    if (storyboard === undefined) return;
    const sheets = Array.from({ length: sheetCount(storyboard) }, (_, sheet) =>
      this.#sheet(video, storyboard, sheet, 'background', pace),
    );
    const poster = {
      video,
      name: POSTER,
      make: (own: AbortSignal) => this.#automatic(video, 'background', own, pace),
    };
    for (const { name, make } of [poster, ...sheets]) {
      if ((await segments.picture(video.id, video.revision, name, signal)) !== undefined) continue;
      await segments.putPicture(video.id, video.revision, name, await make(signal), signal);
    }
  }

  #sheet(
    video: Video,
    storyboard: Storyboard,
    sheet: number,
    priority: PictureRequest['priority'],
    pace?: Pace,
  ): Work {
    const how = { priority, ...(pace === undefined ? {} : { pace }) };
    return {
      video,
      name: `storyboard/${sheet}.jpg`,
      make: (signal) =>
        video.content?.kind === 'package'
          ? this.#packageSheet(video, video.content.package, storyboard, sheet, signal)
          : this.#take(video, { kind: 'sheet', storyboard, sheet }, how, signal),
    };
  }

  /** From the store, or made now. Higher priorities go first. */
  async #demand(work: Work, priority: number, signal: AbortSignal): Promise<Resource> {
    const { video, name } = work;
    const stored = await this.#options.segments.picture(video.id, video.revision, name, signal);
    if (stored !== undefined) return stored;
    const key = `${video.id}/${video.revision}/${name}`;
    if (this.#failed.has(key)) throw new AppError('not_found', 'there is no such picture of this video');
    const make = (shared: AbortSignal) => this.#make(work, key, priority, shared);
    const made = this.#making.result(key, make, signal);
    return withPatience(made, 'the picture is still being made: ask again in a moment');
  }

  async #make(
    { video, name, make }: Work,
    key: string,
    priority: number,
    shared: AbortSignal,
  ): Promise<Resource> {
    try {
      return await this.#queue.add(
        async () => {
          shared.throwIfAborted();
          const signal = AbortSignal.any([shared, AbortSignal.timeout(TIMEOUT_MS)]);
          return this.#keep(video, name, await make(signal), signal);
        },
        { priority },
      );
    } catch (error) {
      if (!shared.aborted) this.#failed.set(key, true);
      throw error;
    }
  }

  /** A full disk does not keep the picture from whoever waits for it. */
  async #keep(video: Video, name: string, bytes: Uint8Array, signal: AbortSignal): Promise<Resource> {
    const { segments } = this.#options;
    try {
      await segments.putPicture(video.id, video.revision, name, bytes, signal);
    } catch (error) {
      if (isAppError(error, 'gone')) throw error;
    }
    const stored = await segments.picture(video.id, video.revision, name, signal);
    return stored ?? memoryResource(bytes, MEDIA_TYPE, { isImmutable: true });
  }

  async #automatic(
    video: Video,
    priority: PictureRequest['priority'],
    signal: AbortSignal,
    pace?: Pace,
  ): Promise<Uint8Array> {
    if (video.content?.kind !== 'package') {
      return this.#take(video, BEST, { priority, ...(pace === undefined ? {} : { pace }) }, signal);
    }
    const { engine, library } = this.#options;
    const source = await packageExcerpt(library, video, video.content.package, signal);
    const info = await engine.inspect(source, signal);
    return engine.picture({ source, info, wanted: BEST, priority }, signal);
  }

  async #packageFrame(video: Video, seconds: number, signal: AbortSignal): Promise<Uint8Array> {
    if (video.content?.kind !== 'package') throw notInspected();
    const { engine, library } = this.#options;
    const found = await packageFrame(library, video, video.content.package, seconds, signal);
    const info = await engine.inspect(found.source, signal);
    const wanted = { kind: 'at', seconds: found.seconds, maxSide: POSTER_SIDE } as const;
    return engine.picture({ source: found.source, info, wanted, priority: 'viewer' }, signal);
  }

  async #packageSheet(
    video: Video,
    info: PackageInfo,
    storyboard: Storyboard,
    sheet: number,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const { engine, library } = this.#options;
    const tiles = tilesOfSheet(storyboard, sheet);
    const { source, startSeconds } = await packageTiles(library, video, info, tiles, signal);
    const wanted = { kind: 'sheet', storyboard, sheet, startSeconds } as const;
    const inspected = await engine.inspect(source, signal);
    return engine.picture({ source, info: inspected, wanted, priority: 'viewer' }, signal);
  }

  async #take(
    video: Video,
    wanted: WantedPicture,
    how: Pick<PictureRequest, 'priority' | 'pace'>,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const { engine, sourceOf } = this.#options;
    if (video.content?.kind !== 'media') throw notInspected();
    if (video.content.source.video === undefined)
      throw new AppError('not_found', 'this is sound without picture');
    return engine.picture({ source: sourceOf(video), info: video.content.source, wanted, ...how }, signal);
  }
}

/** Undefined for sound alone, for packages that cannot be cut into pictures, and for what has not been inspected. */
export function storyboardOf(video: Video, plans: Plans): Storyboard | undefined {
  const presentation = plans.presentationOf(video);
  const size = pictureSizeOf(video);
  if (presentation === undefined || size === undefined) return undefined;
  return planStoryboard(presentationDurationSeconds(presentation), size.width, size.height);
}

function pictureSizeOf({ content }: Video): { readonly width: number; readonly height: number } | undefined {
  if (content?.kind === 'package') return smallestTrack(content.package);
  const video = content?.source.video;
  return video && { width: video.displayWidth, height: video.displayHeight };
}

function nothingHere(): AppError {
  return new AppError('not_found', 'there is nothing at this address');
}

function notInspected(): AppError {
  return new AppError('not_ready', 'the video is still being inspected');
}
