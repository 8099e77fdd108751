/** Reading the texts inside of uploads, behind their first chunks. */
import { parseVideoId, type Video } from '../catalog/video.ts';
import type { VideoRepository } from '../catalog/video-repository.ts';
import { Pace } from '../engine/pace.ts';
import type { Job, JobQueue } from '../jobs/job-queue.ts';
import type { CaptionExtraction } from './caption-extraction.ts';
import { FINAL_CODES } from './final-codes.ts';
import type { Log } from './log.ts';

/** What these jobs work with. */
export type CaptionJobOptions = {
  readonly jobs: JobQueue;
  readonly videos: VideoRepository;
  readonly extraction: Pick<CaptionExtraction, 'extract'>;
  readonly log: Log;
};

/** Behind the first chunk of each upload, before the rest. */
const PRIORITY = 15;

/** The jobs of a server. */
export class CaptionJobs {
  readonly #options: CaptionJobOptions;
  readonly #pace = new Pace();

  constructor(options: CaptionJobOptions) {
    this.#options = options;
  }

  /** Begins to work. What an earlier run of the server left undone is read when somebody asks for it. */
  start(): void {
    this.#options.jobs.work({
      kinds: ['captions'],
      concurrency: 1,
      finalCodes: FINAL_CODES,
      handle: (job) => this.#read(job),
      // A video plays without them: they are tried again when somebody asks for one.
      onFailed: async ({ videoId }, err) =>
        this.#options.log.warn({ err, video: videoId }, 'the captions inside a video cannot be read'),
    });
  }

  /** For an upload that has been inspected. */
  jobsOf({ id, revision, content }: Video): readonly Job[] {
    if (content?.kind !== 'media' || content.source.captions === undefined) return [];
    const key = `captions/${id}/${revision}`;
    return [{ kind: 'captions', key, videoId: id, priority: PRIORITY, payload: {} }];
  }

  /** While it is held, nothing of it uses the processor: someone waits for something else. */
  hold(isHeld: boolean): void {
    this.#pace.setPaused(isHeld);
  }

  async #read(job: Job): Promise<void> {
    const video = await this.#options.videos.get(parseVideoId(job.videoId));
    if (video !== undefined) await this.#options.extraction.extract(video, this.#pace);
  }
}
