/**
 * What happens to an upload once its bytes are there: it is inspected, and then its whole grid is filled chunk by
 * chunk, behind whatever viewers wait for. All of it can be taken up again from the catalog at any time.
 */
import { z } from 'zod';
import type { Chunk, ChunkRepository } from '../catalog/chunk-repository.ts';
import { parseVideoId, type Video, type VideoContent, type VideoId } from '../catalog/video.ts';
import type { VideoRepository } from '../catalog/video-repository.ts';
import type { MediaEngine, SourceBytes } from '../engine/engine.ts';
import { Pace } from '../engine/pace.ts';
import { AppError, isAppError } from '../errors.ts';
import { planSource } from '../media/plan.ts';
import { type Job, type JobQueue, type SharingWorker, sharingSlots } from '../jobs/job-queue.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { Change, Changing } from './change.ts';
import { chunksOf, encodeMissing, storeInitSegments } from './encode-missing.ts';
import type { VideoEvents } from './events.ts';
import { FINAL_CODES } from './final-codes.ts';
import { inspectVideo, saveInspected } from './inspect-video.ts';
import type { Log } from './log.ts';
import { throughOutages } from './outage.ts';
import { cutOf, type Plans } from './plans.ts';
import { renewUploads } from './renew-uploads.ts';
import type { SegmentProgress } from './segment-progress.ts';
import type { SegmentStore } from './segment-store.ts';

/** What the background works with. */
export type BackgroundOptions = {
  readonly videos: VideoRepository;
  readonly chunks: ChunkRepository;
  readonly jobs: JobQueue;
  readonly change: Change;
  readonly engine: MediaEngine;
  readonly segments: SegmentStore;
  readonly plans: Plans;
  readonly progress: SegmentProgress;
  readonly events: VideoEvents;
  readonly sourceOf: (video: Video) => SourceBytes;
  /** Where sources and segments of uploads lie. */
  readonly objects: ObjectStore;
  readonly log: Log;
  /** `on-demand`: only what viewers ask for is ever encoded. */
  readonly mode: 'eager' | 'on-demand';
  /** Chunks at a time. */
  readonly concurrency: number;
  /** What is done in the same slots, once no chunk waits. */
  readonly behind: readonly SharingWorker[];
  /** What else there is to do for an upload that can be played, and is to be encoded. */
  readonly jobsBeside: (video: Video) => readonly Job[];
};

/** Higher goes first. What a viewer waits for is not in the queue at all: see on-demand.ts. */
const PRIORITY = { inspect: 30, firstChunk: 20, chunk: 10 } as const;

const payloadSchema = z.object({
  videoId: z.string().transform(parseVideoId),
  revision: z.string(),
  kind: z.enum(['video', 'audio']),
  first: z.int(),
  end: z.int(),
});

/** Fills the grids of uploads. */
export class Background {
  readonly #options: BackgroundOptions;
  readonly #paces = new Set<Pace>();
  #isHeld = false;
  #isRenewed = false;

  constructor(options: BackgroundOptions) {
    this.#options = options;
  }

  /** Does its jobs from now on, until the queue closes. */
  start(): void {
    const { jobs, concurrency, behind } = this.#options;
    jobs.work({
      kinds: ['inspect'],
      concurrency: 1,
      finalCodes: FINAL_CODES,
      handle: (job, signal) => this.#inspect(job, signal),
      onFailed: (job, error) => this.#fail(job, error),
    });
    const encoding: SharingWorker = {
      kinds: ['encode-chunk'],
      finalCodes: FINAL_CODES,
      handle: (job, signal) => throughOutages(this.#options.objects, () => this.#encode(job, signal), signal),
      onFailed: (job, error) => this.#fail(job, error),
    };
    jobs.work(sharingSlots(concurrency, [encoding, ...behind]));
  }

  /** Enqueues everything that the catalog says is to be done, but for what is in the queue already. */
  async catchUp(): Promise<void> {
    const { videos, chunks, segments, mode } = this.#options;
    if (!this.#isRenewed) await renewUploads(this.#options);
    this.#isRenewed = true;
    for (const video of await videos.listBySource('upload')) {
      segments.keep(video.id);
      if (video.status === 'inspecting') await this.#options.jobs.enqueueAll(this.jobsOfArrived(video));
      if (video.status === 'playable' && mode === 'eager') await this.#goOn(video.id, video.revision);
    }
    if (mode === 'eager') await this.#options.jobs.enqueueAll((await chunks.listWaiting()).map(jobOf));
  }

  /** What there is to do for an upload whose bytes are all there: its status is `inspecting`. */
  jobsOfArrived({ id, revision }: Video): readonly Job[] {
    const key = `inspect/${id}/${revision}`;
    return [{ kind: 'inspect', key, videoId: id, priority: PRIORITY.inspect, payload: {} }];
  }

  /** While it is held, nothing of it uses the processor: someone waits for something else. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#options.jobs.setFloor(isHeld ? PRIORITY.inspect : Number.NEGATIVE_INFINITY);
    for (const pace of this.#paces) pace.setPaused(isHeld);
  }

  async #inspect(job: Job, signal: AbortSignal): Promise<void> {
    const { videos, change, engine, segments, sourceOf, objects } = this.#options;
    const video = await videos.get(parseVideoId(job.videoId));
    if (video?.status !== 'inspecting') return;
    segments.keep(video.id);
    const read = async (): Promise<VideoContent> => {
      const source = await throughOutages(objects, () => engine.inspect(sourceOf(video), signal), signal);
      return { kind: 'media', source, cut: cutOf(planSource(source)) };
    };
    // As one: a video that is playable and has no chunk left is ready.
    await inspectVideo(this.#options, video, read, (outcome) =>
      change(async (changing) => {
        const inspected = await saveInspected(changing.videos, video, outcome);
        if (inspected !== undefined) await this.#plan(changing, inspected);
        return inspected;
      }),
    );
  }

  async #plan({ chunks, enqueue }: Changing, video: Video): Promise<void> {
    const { plans, mode, jobsBeside } = this.#options;
    const plan = plans.planOf(video);
    if (plan === undefined || mode === 'on-demand') return;
    const planned = chunksOf(video, plan);
    await chunks.add(planned);
    enqueue([...planned.map(jobOf), ...jobsBeside(video)]);
  }

  async #encode(job: Job, signal: AbortSignal): Promise<void> {
    const { videos, chunks, plans, segments, log } = this.#options;
    const chunk = payloadSchema.parse(job.payload);
    const video = await videos.get(chunk.videoId);
    const plan = video && plans.planOf(video);
    if (video === undefined || plan === undefined || video.revision !== chunk.revision) return;
    segments.keep(video.id);
    const pace = new Pace();
    pace.setPaused(this.#isHeld);
    this.#paces.add(pace);
    const fields = { video: video.id, chunk: job.key };
    let isBegun = false;
    const onBegun = (): void => {
      isBegun = true;
      log.info(fields, 'a chunk is encoded');
    };
    try {
      if (chunk.first === 0) await storeInitSegments(this.#options, video, plan, signal);
      await encodeMissing(this.#options, { video, plan, chunk }, pace, signal, onBegun);
    } finally {
      this.#paces.delete(pace);
    }
    if (isBegun) log.info(fields, 'a chunk was encoded');
    await chunks.markDone(chunk);
    // Also where it was done before: whoever did it may have died between the two.
    await this.#finishIfDone(video);
  }

  /** Nothing was planned for what came while only viewers had anything encoded. */
  async #goOn(id: VideoId, revision: string): Promise<void> {
    const { videos, chunks, plans } = this.#options;
    if ((await chunks.countWaiting(id, revision)) > 0) return;
    const video = await videos.get(id);
    const plan = video && plans.planOf(video);
    if (plan === undefined || video?.revision !== revision) return;
    await chunks.add(chunksOf(video, plan));
    await this.#finishIfDone(video);
  }

  async #finishIfDone(video: Video): Promise<void> {
    const { videos, chunks, events, mode } = this.#options;
    if (mode === 'on-demand' || (await chunks.countWaiting(video.id, video.revision)) > 0) return;
    const ready = await videos.update(
      video.id,
      { status: 'ready' },
      { status: ['playable'], revision: video.revision },
    );
    if (ready !== undefined) events.publish({ type: 'status', videoId: video.id, status: 'ready' });
  }

  /** The reason is shown to the user; the video's other chunks are given up, and no other video is touched. */
  async #fail(job: Job, error: unknown): Promise<void> {
    const { videos, jobs, events, log } = this.#options;
    if (isAppError(error, 'gone')) return;
    const { code, message } = isAppError(error) ? error : new AppError('internal', 'the encoding failed');
    log.error({ err: error, video: job.videoId, job: job.key }, 'a video has failed');
    const failed = await videos.update(
      parseVideoId(job.videoId),
      { status: 'failed', error: { code, message } },
      { status: ['inspecting', 'playable'] },
    );
    if (failed === undefined) return;
    events.publish({ type: 'status', videoId: failed.id, status: 'failed' });
    await jobs.cancel(job.videoId, { exceptKey: job.key });
  }
}

function jobOf(chunk: Chunk): Job {
  const { videoId, revision, kind, first } = chunk;
  return {
    kind: 'encode-chunk',
    key: `chunk/${videoId}/${revision}/${kind}/${first}`,
    videoId,
    priority: first === 0 ? PRIORITY.firstChunk : PRIORITY.chunk,
    payload: { ...chunk },
  };
}
