/** Makes the segments that viewers of any server wait for, for as long as they do. */
import { LRUCache } from 'lru-cache';
import { parseVideoId } from '../catalog/video.ts';
import type { VideoRepository } from '../catalog/video-repository.ts';
import type { Broadcast } from '../cluster/broadcast.ts';
import { AppError, isAppError } from '../errors.ts';
import type { Job, JobQueue } from '../jobs/job-queue.ts';
import type { Log } from './log.ts';
import type { OnDemandEncoder } from './on-demand.ts';
import type { Plans } from './plans.ts';
import type { Encodable } from './segment-maker.ts';
import type { SegmentStore } from './segment-store.ts';
import { parseWish, REPEAT_MS, SILENCE_MS, type Wish, wishKey, wishMessages } from './wishes.ts';

export type DemandWorkerOptions = {
  /** Names this process among others. */
  readonly id: string;
  readonly jobs: JobQueue;
  readonly broadcast: Broadcast;
  readonly encoder: OnDemandEncoder;
  readonly videos: VideoRepository;
  readonly plans: Plans;
  readonly segments: SegmentStore;
  readonly log: Log;
  /** Segments at a time. */
  readonly concurrency: number;
};

const LEFT_MS = 60_000;

/** The servers that want a segment, and when each last said so. */
type Demand = { readonly servers: Map<string, number>; readonly unwanted: AbortController };

/** For one worker of several. */
export class DemandWorker {
  readonly #options: DemandWorkerOptions;
  readonly #messages: ReturnType<typeof wishMessages>;
  readonly #demands = new Map<string, Demand>();
  /** Wishes that were given up, perhaps before a worker got to their job. */
  readonly #left = new LRUCache<string, true>({ max: 10_000, ttl: LEFT_MS });

  constructor(options: DemandWorkerOptions) {
    this.#options = options;
    this.#messages = wishMessages(options.broadcast);
  }

  /** From now on. It ends with its job queue. */
  start(): void {
    const { id, jobs, encoder, concurrency } = this.#options;
    this.#messages.hear('wish/wanted', (wish) => this.#hearWanted(wish));
    this.#messages.hear('wish/left', (wish) => this.#hearLeft(wish));
    this.#messages.hear('wish/watched', ({ index, ...track }) => encoder.noteWatched(track, index));
    this.#messages.hear('wish/claimed', ({ by, ...track }) => by !== id && encoder.leave(track));
    this.#messages.hear('wish/stopped', ({ videoId }) => void encoder.stop(videoId));
    jobs.work({
      kinds: ['segment'],
      concurrency,
      // Whether a failure is by chance, the encoder knows.
      attempts: 1,
      finalCodes: [],
      handle: (job, signal) => this.#handle(job, signal),
      onFailed: async ({ payload }, error) => this.#sayFailed(wishKey(parseWish(payload)), error),
    });
  }

  async #handle(job: Job, signal: AbortSignal): Promise<void> {
    const { videos, plans, segments } = this.#options;
    const wish = parseWish(job.payload);
    // It is being made already, without a job; or nobody wants it any more.
    if (this.#demands.has(wishKey(wish)) || this.#left.has(leftKey(wish))) return;
    const video = await videos.get(parseVideoId(job.videoId));
    const plan = video && plans.planOf(video);
    if (plan === undefined || video?.content?.kind !== 'media' || video.revision !== wish.revision)
      throw new AppError('gone', 'the video was removed');
    if (video.source.origin === 'upload') segments.keep(video.id);
    const [stored] = await Promise.all([
      segments.segment(wish, wish.index, signal),
      segments.load(video.id, video.revision, signal),
    ]);
    // By somebody who was thought to be dead, or before this job was got to: whoever waits will look.
    if (stored !== undefined) return;
    await this.#make(wish, { video, info: video.content.source, plan }, signal);
  }

  async #make(wish: Wish, target: Encodable, signal: AbortSignal): Promise<void> {
    const { id, encoder, segments } = this.#options;
    const key = wishKey(wish);
    const demand = { servers: new Map([[wish.from, Date.now()]]), unwanted: new AbortController() };
    this.#demands.set(key, demand);
    const { videoId, revision, trackId, index } = wish;
    this.#messages.say('wish/claimed', { videoId, revision, trackId, by: id });
    const tell = (): void => this.#messages.say('wish/making', { key });
    tell();
    const timer = setInterval(() => {
      tell();
      dropSilent(demand);
    }, REPEAT_MS);
    try {
      const both = AbortSignal.any([signal, demand.unwanted.signal]);
      await encoder.segment(target, trackId, index, both);
      // From memory it reaches nobody elsewhere.
      if (!segments.isStored(wish, index)) throw new AppError('object_store_full', 'the store is full');
    } catch (error) {
      if (!demand.unwanted.signal.aborted) throw error;
    } finally {
      clearInterval(timer);
      this.#demands.delete(key);
    }
  }

  #hearWanted(wish: Wish): void {
    const key = wishKey(wish);
    this.#left.delete(leftKey(wish));
    const demand = this.#demands.get(key);
    if (demand !== undefined) {
      demand.servers.set(wish.from, Date.now());
      return;
    }
    const target = this.#options.encoder.aboutToMake(wish, wish.index);
    if (target === undefined) return;
    this.#make(wish, target, new AbortController().signal).catch((error: unknown) =>
      this.#sayFailed(key, error),
    );
  }

  #hearLeft(wish: Wish): void {
    this.#left.set(leftKey(wish), true);
    const demand = this.#demands.get(wishKey(wish));
    demand?.servers.delete(wish.from);
    if (demand?.servers.size === 0) demand.unwanted.abort();
  }

  #sayFailed(key: string, error: unknown): void {
    const { code, message } = isAppError(error)
      ? error
      : new AppError('internal', 'the segment could not be made');
    if (!isAppError(error)) this.#options.log.error({ err: error, job: key }, 'a segment could not be made');
    this.#messages.say('wish/failed', { key, code, message });
  }
}

function leftKey(wish: Wish): string {
  return `${wish.from}/${wishKey(wish)}`;
}

function dropSilent({ servers, unwanted }: Demand): void {
  const since = Date.now() - SILENCE_MS;
  for (const [server, at] of servers) if (at < since) servers.delete(server);
  if (servers.size === 0) unwanted.abort();
}
