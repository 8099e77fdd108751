/** Pictures of uploads, made behind everything else: nobody waits for them, and whoever does has them made at once. */
import { parseVideoId, type Video } from '../catalog/video.ts';
import type { VideoRepository } from '../catalog/video-repository.ts';
import { Pace } from '../engine/pace.ts';
import type { Job, JobQueue, SharingWorker } from '../jobs/job-queue.ts';
import { FINAL_CODES } from './final-codes.ts';
import type { Log } from './log.ts';
import type { Pictures } from './pictures.ts';

/** What is made pictures of, and by what. */
export type PictureJobOptions = {
  readonly videos: VideoRepository;
  readonly jobs: JobQueue;
  readonly pictures: Pictures;
  readonly log: Log;
};

/** Below all encoding. */
const PRIORITY = 5;

/** Makes the pictures of uploads. */
export class PictureJobs {
  readonly #options: PictureJobOptions;
  readonly #pace = new Pace();

  constructor(options: PictureJobOptions) {
    this.#options = options;
  }

  /** Does its jobs, in slots that it shares with the encoding. */
  worker(): SharingWorker {
    const { log } = this.#options;
    return {
      kinds: ['pictures'],
      finalCodes: FINAL_CODES,
      handle: (job, signal) => this.#make(job, signal),
      // A video plays without them: they are tried again when somebody asks for one.
      onFailed: async (job, error) => log.warn({ err: error, video: job.videoId }, 'a video has no pictures'),
    };
  }

  /** Enqueues the uploads that are not finished, but for those in the queue already. */
  async catchUp(): Promise<void> {
    const uploads = await this.#options.videos.listBySource('upload');
    await this.#options.jobs.enqueueAll(uploads.filter(({ status }) => status === 'playable').map(jobOf));
  }

  /** For an upload that has been inspected. */
  jobsOf(video: Video): readonly Job[] {
    return [jobOf(video)];
  }

  /** While it is held, nothing of it uses the processor: someone waits for something else. */
  hold(isHeld: boolean): void {
    this.#pace.setPaused(isHeld);
  }

  async #make(job: Job, signal: AbortSignal): Promise<void> {
    const video = await this.#options.videos.get(parseVideoId(job.videoId));
    if (video !== undefined) await this.#options.pictures.makeAll(video, this.#pace, signal);
  }
}

function jobOf({ id, revision }: Video): Job {
  return {
    kind: 'pictures',
    key: `pictures/${id}/${revision}`,
    videoId: id,
    priority: PRIORITY,
    payload: {},
  };
}
