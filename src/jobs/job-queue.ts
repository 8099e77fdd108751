/** Work that is done behind what people wait for. Which queue holds it is chosen in app.ts. */
import type { ErrorCode } from '../errors.ts';

/** What there is to do. */
export type JobKind = (typeof JOB_KINDS)[number];

/** Every kind. */
export const JOB_KINDS = [
  'segment',
  'inspect',
  'encode-chunk',
  'captions',
  'pictures',
  'pull',
  'delete',
] as const;

/** What survives being written down. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json | undefined };

/** One thing to do. A job may be done twice (a worker died at the end of it): handlers bear that. */
export type Job = {
  readonly kind: JobKind;
  /** What makes it this job: no second one of the same key waits or runs at the same time. */
  readonly key: string;
  /** Whom it is for: videos take turns, and all work for one can be called off. */
  readonly videoId: string;
  /** Higher ones go first. A whole number, at most {@link MAX_PRIORITY} and at least its negative. */
  readonly priority: number;
  /** What the handler needs to know. Handlers parse it: another version of Sluice may have written it. */
  readonly payload: Json;
};

/** Of {@link Job.priority}. */
export const MAX_PRIORITY = 1000;

/** How soon what failed is tried again. A database counts in whole seconds, and may round up. */
export type RetryDelays = {
  /** From the first failure to the second attempt; doubles with each further failure. */
  readonly firstDelayMs: number;
  /** It doubles up to here. A delay is shortened by chance, to no less than half of it. */
  readonly maxDelayMs: number;
};

/** Seconds apart: for work that fails by chance or not at all. */
export const RETRY_DELAYS: RetryDelays = { firstDelayMs: 1000, maxDelayMs: 5000 };

/** Of {@link JobWorker.attempts}. */
export const DEFAULT_ATTEMPTS = 3;

/**
 * So often a job may be interrupted: the process that did it died, or it failed with `unavailable` because the database
 * was away. That is nobody's fault and no attempt; a job during which every process dies is given up all the same.
 */
export const MOST_INTERRUPTIONS = 10;

/** Who does jobs of some kinds. */
export type JobWorker = {
  readonly kinds: readonly JobKind[];
  /** Jobs at a time, of all its kinds together. At least 1. */
  readonly concurrency: number;
  /**
   * How often a job is tried, the first time included: 1 to 10, {@link DEFAULT_ATTEMPTS} unless given. One that is
   * interrupted ({@link MOST_INTERRUPTIONS}) was not tried.
   */
  readonly attempts?: number;
  /** An `AppError` of one of these codes will not go away: it is not tried again. */
  readonly finalCodes: readonly ErrorCode[];
  /** Does it. `signal` fires when the job was cancelled or the queue closes: what it throws then is ignored. */
  handle(job: Job, signal: AbortSignal): Promise<void>;
  /** The job was given up: `error` is that of the last attempt. Its key is free once this resolves. */
  onFailed(job: Job, error: unknown): Promise<void>;
};

/** One of several that share their slots. */
export type SharingWorker = Omit<JobWorker, 'concurrency'>;

/**
 * Workers that share `concurrency` slots: one that is named later, and whose jobs have lower priorities, gets what the
 * others leave. They must agree on attempts and final codes: the first one's count.
 */
export function sharingSlots(
  concurrency: number,
  workers: readonly [SharingWorker, ...SharingWorker[]],
): JobWorker {
  const workerOf = ({ kind }: Job): SharingWorker => workers.find(({ kinds }) => kinds.includes(kind))!;
  return {
    ...workers[0],
    kinds: workers.flatMap(({ kinds }) => kinds),
    concurrency,
    handle: (job, signal) => workerOf(job).handle(job, signal),
    onFailed: (job, error) => workerOf(job).onFailed(job, error),
  };
}

/** How many jobs of a kind there are. */
export type JobCount = {
  /** Those that wait to be tried again included. */
  readonly waiting: number;
  readonly running: number;
};

/** Statements in a transaction that somebody else began, and ends. */
export type SqlTransaction = {
  executeSql(text: string, values?: readonly unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
};

/**
 * Of the waiting jobs of a kind, one of the highest priority is next; within a priority the videos take turns, and
 * within a video the job that came first. Nothing may be asked of a queue that cannot be asked of a database.
 *
 * What the catalog says is to be done is what counts; a queue is only how it comes to be done. So a job may be lost
 * (a process died between two steps): whoever looks through the catalog every now and then enqueues it anew.
 */
export type JobQueue = {
  /**
   * Adds the job. False, and nothing is added, where one of its key waits or runs already (which stays as it is),
   * where its video is just being cancelled, and once the queue is closed.
   */
  enqueue(job: Job): Promise<boolean>;
  /** The same for many, at little more than the cost of one. How many were added. */
  enqueueAll(jobs: readonly Job[]): Promise<number>;
  /**
   * Adds jobs that follow from a change to the catalog, in the transaction of that change. What it answers is to be
   * called once that is committed. A queue that lives in the same database adds them with the transaction, so that
   * there are both or neither; another one adds them then.
   */
  enqueueWith(transaction: SqlTransaction, jobs: readonly Job[]): Promise<() => Promise<void>>;
  /** Does jobs of these kinds from now on, until the queue closes. */
  work(worker: JobWorker): void;
  /**
   * Calls off everything for a video: waiting jobs are dropped, running ones' signals fire. Resolves when they have
   * ended. Nothing is added for the video until then. `exceptKey` names a job that stays: the one that calls
   * this, which could not wait for itself.
   */
  cancel(videoId: string, options?: { readonly exceptKey?: string }): Promise<void>;
  /**
   * From now on no job below this priority is started, by this process; what runs goes on. `-Infinity`, as at the
   * beginning: no floor; `Infinity`: nothing is started.
   */
  setFloor(priority: number): void;
  /** How many there are now, by kind. */
  counts(): Promise<Readonly<Record<JobKind, JobCount>>>;
  /** Resolves once no job waits or runs. */
  onIdle(): Promise<void>;
  /**
   * Starts nothing more. Running jobs are given `graceMs` to end, then their signals fire. Resolves when they have
   * ended, and at the latest some seconds after the signals. A job that fails meanwhile counts as never tried.
   */
  close(graceMs: number): Promise<void>;
};
