/**
 * Encoding what viewers wait for. A request for a segment that is not stored joins the run that is about to
 * make it, or starts one at that very segment. A run goes on to the end of its chunk, and the next chunk
 * follows while someone is watching, so that a viewer waits once and then plays from what is stored.
 */
import type { Video } from '../catalog/video.ts';
import type { MediaEngine, SourceBytes } from '../engine/engine.ts';
import { Pace } from '../engine/pace.ts';
import { AppError, isAppError } from '../errors.ts';
import { chunkOf } from '../media/grid.ts';
import type { TrackEncoding } from '../media/plan.ts';
import { memoryResource } from './memory-resource.ts';
import type { Resource } from './resource.ts';
import { type Encodable, encodingOf, type SegmentMaker } from './segment-maker.ts';
import type { SegmentProgress } from './segment-progress.ts';
import type { SegmentStore, TrackAddress } from './segment-store.ts';

export type OnDemandOptions = {
  readonly engine: MediaEngine;
  readonly segments: SegmentStore;
  readonly progress: SegmentProgress;
  readonly sourceOf: (video: Video) => SourceBytes;
  /** Runs at a time for pictures; sound has as many again, since it costs next to nothing. */
  readonly slots: number;
  /** Milliseconds, from any start. */
  readonly now: () => number;
  /** Someone has begun to wait for a segment, or nobody waits any more: background work steps back meanwhile. */
  readonly onWaiting: (isWaiting: boolean) => void;
  /** A segment failed for good. */
  readonly onFailed: (video: Video, error: AppError) => void;
};

/** A track is being watched for so long after the last request for a segment of it. */
const WATCHING_MS = 15_000;
/** A run this many segments away is joined; with more to wait, a new one at the segment itself is faster. */
const JOIN_DISTANCE = 1;
/** A crash may be chance; a second one at the same segment is not. */
const MAX_ATTEMPTS = 2;

/** Tracks whose watching is remembered at a time. */
const MAX_REMEMBERED = 10_000;

type Waiter = { readonly resolve: (segment: Resource) => void; readonly reject: (error: unknown) => void };

type Run = {
  readonly target: Encodable;
  readonly encoding: TrackEncoding;
  readonly track: TrackAddress;
  readonly key: string;
  /** The segment being made, or the first to be made. */
  next: number;
  readonly end: number;
  readonly waiters: Map<number, Set<Waiter>>;
  readonly controller: AbortController;
  readonly pace: Pace;
  /** Resolves when nothing of it is running any more. */
  done: Promise<void>;
  isStarted: boolean;
  attempts: number;
};

/** Who watches what: the last segment asked for of a track, and when. */
type Watching = { readonly target: Encodable; readonly encoding: TrackEncoding; index: number; at: number };

/** All runs of a process: see the head of this file. */
export class OnDemandEncoder implements SegmentMaker {
  readonly #options: OnDemandOptions;
  readonly #runs = new Set<Run>();
  /** Runs that were told to end and have not yet. */
  readonly #ending = new Set<Run>();
  readonly #watching = new Map<string, Watching>();
  #isClosed = false;

  constructor(options: OnDemandOptions) {
    this.#options = options;
  }

  segment(target: Encodable, trackId: string, index: number, signal: AbortSignal): Promise<Resource> {
    if (this.#isClosed) throw new AppError('unavailable', 'the server is stopping');
    const encoding = encodingOf(target, trackId, index);
    const track = addressOf(target.video, trackId);
    this.#remember(keyOf(track), { target, encoding, index, at: this.#options.now() });
    const run = this.#joinable(keyOf(track), index) ?? this.#create(target, encoding, index);
    const segment = this.#wait(run, index, signal);
    this.#schedule();
    return segment;
  }

  noteWatched(track: TrackAddress, index: number): void {
    const watching = this.#watching.get(keyOf(track));
    if (watching === undefined) return;
    watching.index = index;
    watching.at = this.#options.now();
    this.#followOn(keyOf(track));
  }

  /** What is being encoded, where a run is about to make this segment: asking for it then begins no other run. */
  aboutToMake(track: TrackAddress, index: number): Encodable | undefined {
    return this.#joinable(keyOf(track), index)?.target;
  }

  /** Somebody else goes on with this track: what nobody waits for here ends soon. */
  leave(track: TrackAddress): void {
    this.#watching.delete(keyOf(track));
  }

  async stop(videoId: string): Promise<void> {
    for (const [key, watching] of this.#watching) {
      if (watching.target.video.id === videoId) this.#watching.delete(key);
    }
    const runs = [...this.#runs].filter((run) => run.target.video.id === videoId);
    for (const run of runs) this.#end(run, new AppError('gone', 'the video was removed'));
    await Promise.all(
      [...this.#ending].filter((run) => run.target.video.id === videoId).map((run) => run.done),
    );
  }

  close(): void {
    this.#isClosed = true;
    for (const run of this.#runs) this.#end(run, new AppError('unavailable', 'the server is stopping'));
  }

  #joinable(key: string, index: number): Run | undefined {
    for (const run of this.#runs) {
      const isNear = index >= run.next && index <= run.next + JOIN_DISTANCE && index < run.end;
      if (run.key === key && (isNear || run.waiters.has(index))) return run;
    }
    return undefined;
  }

  #create(target: Encodable, encoding: TrackEncoding, index: number): Run {
    const track = addressOf(target.video, encoding.trackId);
    const chunk = chunkOf(index, encoding.grid.boundaries.length - 1);
    let end = index + 1;
    while (end < chunk.end && !this.#options.segments.isStored(track, end)) end++;
    const run: Run = {
      target,
      encoding,
      track,
      key: keyOf(track),
      next: index,
      end,
      waiters: new Map(),
      controller: new AbortController(),
      pace: new Pace(),
      done: Promise.resolve(),
      isStarted: false,
      attempts: 0,
    };
    this.#runs.add(run);
    return run;
  }

  #wait(run: Run, index: number, signal: AbortSignal): Promise<Resource> {
    const { promise, resolve, reject } = Promise.withResolvers<Resource>();
    const waiter: Waiter = { resolve, reject };
    const waiters = run.waiters.get(index) ?? new Set();
    run.waiters.set(index, waiters.add(waiter));
    const leave = (): void => {
      reject(new AppError('aborted', 'the viewer went away'));
      waiters.delete(waiter);
      if (waiters.size === 0) run.waiters.delete(index);
      this.#giveWay();
      if (run.waiters.size > 0) return;
      const watching = this.#watching.get(run.key);
      if (watching?.index === index) watching.at = Number.NEGATIVE_INFINITY;
      this.#end(run, undefined);
    };
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
    return promise.finally(() => signal.removeEventListener('abort', leave));
  }

  /** Starts what there is room for: first what someone waits for, in place of what nobody waits for. */
  #schedule(): void {
    for (const kind of ['video', 'audio'] as const) {
      const runs = [...this.#runs].filter((run) => run.encoding.kind === kind);
      const wanted = runs.filter((run) => !run.isStarted).sort((a, b) => b.waiters.size - a.waiters.size);
      let running = runs.filter((run) => run.isStarted);
      for (const run of wanted) {
        if (running.length >= this.#options.slots) {
          const idle = running.find((other) => other.waiters.size === 0);
          if (idle === undefined || run.waiters.size === 0) break;
          this.#end(idle, undefined);
          running = running.filter((other) => other !== idle);
        }
        run.isStarted = true;
        running.push(run);
        run.done = this.#work(run);
      }
    }
    this.#giveWay();
  }

  /** While someone waits, nobody else gets the processor. */
  #giveWay(): void {
    const isWaiting = [...this.#runs].some((run) => run.waiters.size > 0);
    for (const run of this.#runs) run.pace.setPaused(isWaiting && run.waiters.size === 0);
    this.#options.onWaiting(isWaiting);
  }

  async #work(run: Run): Promise<void> {
    const { engine, sourceOf, progress } = this.#options;
    const { video } = run.target;
    let endProgress = progress.begin(video, run.track.trackId, run.next);
    try {
      const request = {
        source: sourceOf(video),
        info: run.target.info,
        encodings: [run.encoding],
        first: run.next,
        end: run.end,
        priority: 'viewer',
        pace: run.pace,
      } as const;
      for await (const { index, bytes } of engine.encode(request, run.controller.signal)) {
        const segment = await this.#store(run, index, bytes);
        run.next = index + 1;
        run.attempts = 0;
        for (const waiter of run.waiters.get(index) ?? []) waiter.resolve(segment);
        run.waiters.delete(index);
        this.#giveWay();
        endProgress();
        // At its end the run is let finish: the child then keeps the source open for the next.
        if (run.next >= run.end) continue;
        if (!this.#isWanted(run)) break;
        endProgress = progress.begin(video, run.track.trackId, run.next);
      }
      this.#runs.delete(run);
    } catch (error) {
      this.#recover(run, error);
    } finally {
      endProgress();
    }
    this.#followOn(run.key);
    this.#schedule();
  }

  /** Stored, then served from the store; from memory where the store has no room: watching goes on. */
  async #store(run: Run, index: number, bytes: Uint8Array): Promise<Resource> {
    const { segments } = this.#options;
    const { signal } = run.controller;
    try {
      await segments.putSegment(run.track, index, bytes, signal);
      const stored = await segments.segment(run.track, index, signal);
      if (stored !== undefined) return stored;
    } catch (error) {
      if (!isAppError(error, 'object_store_full')) throw error;
    }
    return memoryResource(bytes, 'video/iso.segment', { isImmutable: true });
  }

  #isWanted(run: Run): boolean {
    if (run.waiters.size > 0) return true;
    return this.#isWatched(run.key) && !this.#options.segments.isStored(run.track, run.next);
  }

  #remember(key: string, watching: Watching): void {
    this.#watching.delete(key);
    this.#watching.set(key, watching);
    const [oldest] = this.#watching.keys();
    if (this.#watching.size > MAX_REMEMBERED && oldest !== undefined) this.#watching.delete(oldest);
  }

  #isWatched(key: string): boolean {
    const watching = this.#watching.get(key);
    return watching !== undefined && this.#options.now() - watching.at < WATCHING_MS;
  }

  /** Goes on to the chunk after the one being watched, and no further: nobody may get there. */
  #followOn(key: string): void {
    if (this.#isClosed || !this.#isWatched(key)) return;
    if ([...this.#runs].some((run) => run.key === key)) return;
    const { target, encoding, index } = this.#watching.get(key)!;
    const count = encoding.grid.boundaries.length - 1;
    const until = Math.min(count, chunkOf(Math.min(chunkOf(index, count).end, count - 1), count).end);
    const track = addressOf(target.video, encoding.trackId);
    let next = index + 1;
    while (next < until && this.#options.segments.isStored(track, next)) next++;
    if (next >= until) return;
    this.#create(target, encoding, next);
    this.#schedule();
  }

  #recover(run: Run, error: unknown): void {
    this.#runs.delete(run);
    if (run.controller.signal.aborted) return;
    const failure = isAppError(error)
      ? error
      : new AppError('internal', 'the segment could not be made', { cause: error });
    const isChance = isAppError(failure, 'encode_failed') || isAppError(failure, 'encode_timeout');
    if (isChance && ++run.attempts < MAX_ATTEMPTS) {
      run.isStarted = false;
      this.#runs.add(run);
      return;
    }
    this.#watching.delete(run.key);
    if (isChance) this.#options.onFailed(run.target.video, failure);
    rejectAll(run, failure);
  }

  #end(run: Run, error: AppError | undefined): void {
    this.#runs.delete(run);
    run.controller.abort();
    this.#ending.add(run);
    void run.done.finally(() => this.#ending.delete(run));
    if (error !== undefined) rejectAll(run, error);
  }
}

function rejectAll(run: Run, error: AppError): void {
  for (const waiters of run.waiters.values()) for (const waiter of waiters) waiter.reject(error);
  run.waiters.clear();
}

function addressOf(video: Video, trackId: string): TrackAddress {
  return { videoId: video.id, revision: video.revision, trackId };
}

function keyOf({ videoId, revision, trackId }: TrackAddress): string {
  return `${videoId}/${revision}/${trackId}`;
}
