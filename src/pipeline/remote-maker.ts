/**
 * Segments made by any process: a job of the highest priority brings a worker to it, the result comes through the
 * store, and the broadcast says when to look. All of it works without the broadcast too, only more slowly.
 */
import { LRUCache } from 'lru-cache';
import { setTimeout as sleep } from 'node:timers/promises';
import type { VideoId } from '../catalog/video.ts';
import type { Broadcast } from '../cluster/broadcast.ts';
import { AppError } from '../errors.ts';
import { type JobQueue, MAX_PRIORITY } from '../jobs/job-queue.ts';
import { SEGMENTS_PER_CHUNK } from '../media/grid.ts';
import { abortable } from './abortable.ts';
import type { Resource } from './resource.ts';
import { type Encodable, encodingOf, type SegmentMaker } from './segment-maker.ts';
import type { SegmentProgress } from './segment-progress.ts';
import type { SegmentStore, TrackAddress } from './segment-store.ts';
import { REPEAT_MS, SILENCE_MS, type Wish, wishKey, wishMessages } from './wishes.ts';

export type RemoteMakerOptions = {
  /** Names this process among others. */
  readonly id: string;
  readonly jobs: JobQueue;
  readonly broadcast: Broadcast;
  readonly segments: SegmentStore;
  readonly progress: SegmentProgress;
};

/** A track that is watched from the store alone for so long is watched to its end that way, or asked for again. */
const LIVE_MS = 60_000;
const DEAD_ROUNDS = 4;
/** Workers go on to the end of the next chunk, and no further. */
const AHEAD = 2 * SEGMENTS_PER_CHUNK;

type Waiting = {
  readonly segment: Promise<Resource>;
  readonly controller: AbortController;
  readonly fail: (error: AppError) => void;
  readonly videoId: string;
  viewers: number;
};

/** For one server of several. */
export class RemoteMaker implements SegmentMaker {
  readonly #options: RemoteMakerOptions;
  readonly #messages: ReturnType<typeof wishMessages>;
  readonly #waiting = new Map<string, Waiting>();
  /** Tracks of which something was not stored lately, wherever it was asked for: some worker is ahead of their viewers. */
  readonly #live = new LRUCache<string, true>({ max: 10_000, ttl: LIVE_MS });
  /** Segments of which a worker says that it makes them. */
  readonly #making = new LRUCache<string, true>({ max: 10_000, ttl: SILENCE_MS });
  /** Every viewer of a track would say the same. */
  readonly #said = new LRUCache<string, true>({ max: 10_000, ttl: REPEAT_MS });

  constructor(options: RemoteMakerOptions) {
    this.#options = options;
    this.#messages = wishMessages(options.broadcast);
    this.#messages.hear('wish/wanted', (wish) => this.#hearWanted(wish));
    this.#messages.hear('wish/making', ({ key }) => this.#making.set(key, true));
    this.#messages.hear('wish/failed', ({ key, code, message }) =>
      this.#waiting.get(key)?.fail(new AppError(code, message)),
    );
    this.#messages.hear('wish/stopped', ({ videoId }) => this.#failAll(videoId));
  }

  async segment(target: Encodable, trackId: string, index: number, signal: AbortSignal): Promise<Resource> {
    encodingOf(target, trackId, index);
    const { id: videoId, revision } = target.video;
    const wish: Wish = { videoId, revision, trackId, index, from: this.#options.id };
    const key = wishKey(wish);
    const waiting = this.#waiting.get(key) ?? this.#begin(wish, key);
    waiting.viewers++;
    try {
      return await abortable(waiting.segment, signal);
    } finally {
      if (--waiting.viewers === 0) this.#end(wish, key, waiting);
    }
  }

  /** Says nothing, and so costs the database nothing, where there is nothing left to make. */
  noteWatched(track: TrackAddress, index: number): void {
    const key = trackKey(track);
    if (!this.#live.has(key)) return;
    this.#live.set(key, true);
    if (this.#said.has(key) || this.#isStoredAhead(track, index)) return;
    this.#said.set(key, true);
    this.#messages.say('wish/watched', { ...track, index });
  }

  async stop(videoId: string): Promise<void> {
    this.#messages.say('wish/stopped', { videoId: videoId as Wish['videoId'] });
  }

  /** Its viewers may come to this server next: then what is stored is to be known here. */
  #hearWanted(wish: Wish): void {
    this.#live.set(trackKey(wish), true);
    this.#loadSoon(wish.videoId, wish.revision);
  }

  /** What is stored is to be known once viewers watch what was made; nobody waits for that. */
  #loadSoon(videoId: VideoId, revision: string): void {
    this.#options.segments.load(videoId, revision, AbortSignal.timeout(LIVE_MS)).catch(() => {});
  }

  #begin(wish: Wish, key: string): Waiting {
    this.#loadSoon(wish.videoId, wish.revision);
    const controller = new AbortController();
    const { promise: failed, reject: fail } = Promise.withResolvers<never>();
    const segment = Promise.race([this.#arrival(wish, key, controller.signal), failed]);
    const waiting = { segment, controller, fail, videoId: wish.videoId, viewers: 0 };
    this.#waiting.set(key, waiting);
    return waiting;
  }

  #end(wish: Wish, key: string, waiting: Waiting): void {
    waiting.controller.abort();
    if (this.#waiting.get(key) === waiting) this.#waiting.delete(key);
    this.#messages.say('wish/left', wish);
  }

  async #arrival(wish: Wish, key: string, signal: AbortSignal): Promise<Resource> {
    const { jobs, segments } = this.#options;
    const job = {
      kind: 'segment',
      key,
      videoId: wish.videoId,
      priority: MAX_PRIORITY,
      payload: wish,
    } as const;
    // A worker that has just come to it needs no job, only to hear that someone waits.
    let isEnqueued = this.#isAboutToCome(wish);
    for (let round = 0; ; round++) {
      // First listen, then ask for it and look: nothing can come in between.
      const over = AbortSignal.any([signal, AbortSignal.timeout(REPEAT_MS)]);
      const stored = segments.onceStored(wish, wish.index, over).catch(() => {});
      this.#messages.say('wish/wanted', wish);
      if (!isEnqueued) await jobs.enqueue(job);
      // The job is there and nobody is at it: its worker may have died, which the queue finds out some seconds later.
      if (round >= DEAD_ROUNDS && !this.#making.has(key)) await jobs.enqueue({ ...job, key: `${key}/again` });
      await stored;
      if (signal.aborted) throw new AppError('aborted', 'nobody waits any more');
      const segment = await segments.segment(wish, wish.index, signal);
      if (segment !== undefined) return segment;
      isEnqueued = false;
      // Heard of it, and not there: not to be asked again and again without a pause.
      if (!over.aborted) await sleep(50);
    }
  }

  #isAboutToCome(wish: Wish): boolean {
    const { progress } = this.#options;
    return progress.isEncoding(wish, wish.index) || progress.isEncoding(wish, wish.index - 1);
  }

  #isStoredAhead(track: TrackAddress, index: number): boolean {
    const { segments } = this.#options;
    for (let next = index + 1; next <= index + AHEAD; next++)
      if (!segments.isStored(track, next)) return false;
    return true;
  }

  #failAll(videoId: string): void {
    for (const waiting of this.#waiting.values())
      if (waiting.videoId === videoId) waiting.fail(new AppError('gone', 'the video was removed'));
  }
}

function trackKey({ videoId, revision, trackId }: TrackAddress): string {
  return `${videoId}/${revision}/${trackId}`;
}
