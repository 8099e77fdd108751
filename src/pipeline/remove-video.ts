import type { Video } from '../catalog/video.ts';
import type { JobQueue } from '../jobs/job-queue.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { CaptionExtraction } from './caption-extraction.ts';
import type { CaptionStore } from './caption-store.ts';
import type { Ingest } from './ingest.ts';
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
};

/**
 * Stops all work on an uploaded video and removes every object of it. Its row is gone already, so nothing new
 * begins. What is interrupted here is found by the sweep at the next start.
 */
export async function removeVideo(
  { ingest, jobs, encoder, extraction, segments, texts, posters, sources }: RemovalOptions,
  video: Video,
): Promise<void> {
  const { signal } = new AbortController();
  segments.refuse(video.id);
  await ingest.endUploadOf(video.id);
  await Promise.all([jobs.cancel(video.id), encoder.stop(video.id), extraction.stop(video.id)]);
  await segments.deleteAll(video.id, undefined, signal);
  await texts.deleteAll(video.id, signal);
  await posters.deleteAll(video.id, signal);
  await sources.delete(video.source.key);
}
