/** Deleting an uploaded video: its row at once, everything else of it by a job that follows from that. */
import { z } from 'zod';
import { parseVideoId, type Video } from '../catalog/video.ts';
import { type Job, type JobQueue, MAX_PRIORITY } from '../jobs/job-queue.ts';
import { parseObjectKey } from '../storage/object-key.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { CaptionExtraction } from './caption-extraction.ts';
import type { CaptionStore } from './caption-store.ts';
import type { Ingest } from './ingest.ts';
import type { Log } from './log.ts';
import { throughOutages } from './outage.ts';
import type { PosterStore } from './poster-store.ts';
import type { SegmentMaker } from './segment-maker.ts';
import type { SegmentStore } from './segment-store.ts';

/** Where traces of a video can be. */
export type RemovalOptions = {
  readonly ingest: Pick<Ingest, 'endUploadOf'>;
  readonly jobs: JobQueue;
  readonly encoder: SegmentMaker;
  readonly segments: SegmentStore;
  readonly extraction: Pick<CaptionExtraction, 'stop'>;
  readonly texts: CaptionStore;
  readonly posters: PosterStore;
  /** Uploaded sources. */
  readonly sources: ObjectStore;
  readonly log: Log;
};

/** Videos at a time. */
const CONCURRENCY = 2;

const payloadSchema = z.object({
  videoId: z.string().transform(parseVideoId),
  source: z.string().transform(parseObjectKey),
});

/** What there is to do for a video whose row is gone. */
export function removalOf({ id, source }: Video): Job {
  // Not for the video: whoever calls off the work for that must not call off this.
  const nobody = `deleted/${id}`;
  const payload = { videoId: id, source: source.key };
  return { kind: 'delete', key: nobody, videoId: nobody, priority: MAX_PRIORITY, payload };
}

/** Removes deleted videos from now on, until the queue closes. What it leaves behind, the sweep finds. */
export function startRemoving(options: RemovalOptions): void {
  const { jobs, sources, log } = options;
  jobs.work({
    kinds: ['delete'],
    concurrency: CONCURRENCY,
    finalCodes: [],
    handle: (job, signal) => throughOutages(sources, () => remove(options, job, signal), signal),
    onFailed: async ({ key }, err) => log.error({ err, job: key }, 'a deleted video has left traces'),
  });
}

/** Stops all work on the video, which can begin nowhere any more, and removes every object of it. */
async function remove(options: RemovalOptions, job: Job, signal: AbortSignal): Promise<void> {
  const { ingest, jobs, encoder, extraction, segments, texts, posters, sources } = options;
  const { videoId: id, source } = payloadSchema.parse(job.payload);
  segments.refuse(id);
  await ingest.endUploadOf(id);
  await Promise.all([jobs.cancel(id), encoder.stop(id), extraction.stop(id)]);
  await segments.deleteAll(id, undefined, signal);
  await texts.deleteAll(id, signal);
  await posters.deleteAll(id, signal);
  await sources.delete(source);
}
