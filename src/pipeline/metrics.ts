/** What the pipeline tells whoever counts. */
import type { ErrorCode } from '../errors.ts';
import type { JobQueue } from '../jobs/job-queue.ts';

/** For whom something is encoded. */
export type EncodeCause = 'viewer' | 'background';

/** Told as things happen. None of it may throw, wait or be slow. */
export type PipelineMetrics = {
  /** An encoder has begun a run of segments; call what is returned when it has ended, well or not. */
  encodeStarted(cause: EncodeCause): () => void;
  /** A segment of one track came out of an encoder. */
  segmentEncoded(cause: EncodeCause): void;
  /** Someone has begun to send bytes; call what is returned when it is over, well or not. */
  uploadStarted(): () => void;
  /** A video failed for good. */
  videoFailed(code: ErrorCode): void;
};

/** Asked whenever somebody looks. */
export type PipelineGauges = {
  readonly jobCounts: JobQueue['counts'];
  /** Of the cache of library videos' segments. */
  cachedBytes(): number;
};
