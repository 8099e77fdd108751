/**
 * Jobs within this process. Nothing of it outlives the process: whoever starts it enqueues anew what the catalog
 * says is still to be done.
 */
import { AppError, isAppError } from '../errors.ts';
import {
  DEFAULT_ATTEMPTS,
  type Job,
  type JobCount,
  JOB_KINDS,
  type JobKind,
  type JobQueue,
  type JobWorker,
  MOST_INTERRUPTIONS,
  RETRY_DELAYS,
  type RetryDelays,
  type SqlTransaction,
} from './job-queue.ts';
import { retryDelayMs } from './retry-delay.ts';
import { type WaitingJob, WaitingJobs } from './waiting-jobs.ts';
import { within } from './within.ts';

/** What the queue is made of. */
export type EmbeddedJobsOptions = {
  /** A worker's `onFailed` threw: a fault of ours, and nobody else would hear of it. */
  readonly onError: (job: Job, error: unknown) => void;
  /** {@link RETRY_DELAYS} unless given. */
  readonly retryDelays?: RetryDelays;
};

/** How long a job may take to end after its signal has fired, before closing goes on without it. */
const ABORT_MS = 2000;

type RunningJob = { readonly job: Job; readonly controller: AbortController; readonly ended: Promise<void> };

/** A worker and how many jobs it is doing. */
type Seat = { readonly worker: JobWorker; running: number };

/** A job that failed, until it is tried again. */
type DelayedJob = WaitingJob & { readonly timer: NodeJS.Timeout };

/** The jobs of one process. */
export class EmbeddedJobQueue implements JobQueue {
  readonly #options: EmbeddedJobsOptions;
  readonly #seats: Seat[] = [];
  /** Of all jobs: waiting, delayed and running. */
  readonly #keys = new Set<string>();
  readonly #waiting = new WaitingJobs();
  readonly #delayed = new Map<string, DelayedJob>();
  readonly #running = new Map<string, RunningJob>();
  /** Which jobs are being cancelled: those that end must not bring in others. */
  readonly #cancelling = new Set<(job: Job) => boolean>();
  #floor = Number.NEGATIVE_INFINITY;
  #isClosed = false;
  #isStarting = false;
  #idle = Promise.withResolvers<void>();

  constructor(options: EmbeddedJobsOptions) {
    this.#options = options;
  }

  async enqueue(job: Job): Promise<boolean> {
    if (this.#isClosed || this.#keys.has(job.key)) return false;
    for (const isCancelled of this.#cancelling) if (isCancelled(job)) return false;
    this.#keys.add(job.key);
    this.#waiting.add({ job, attempt: 1, interruptions: 0 });
    this.#start();
    return true;
  }

  async enqueueAll(jobs: readonly Job[]): Promise<number> {
    const added = await Promise.all(jobs.map((job) => this.enqueue(job)));
    return added.filter(Boolean).length;
  }

  async enqueueWith(_: SqlTransaction, jobs: readonly Job[]): Promise<() => Promise<void>> {
    return async () => void (await this.enqueueAll(jobs));
  }

  work(worker: JobWorker): void {
    this.#seats.push({ worker, running: 0 });
    this.#start();
  }

  async cancel(videoId: string, { exceptKey }: { readonly exceptKey?: string } = {}): Promise<void> {
    const isMeant = (job: Job): boolean => job.videoId === videoId && job.key !== exceptKey;
    this.#cancelling.add(isMeant);
    this.#drop(isMeant);
    const running = [...this.#running.values()].filter(({ job }) => isMeant(job));
    for (const { controller } of running) controller.abort(new AppError('aborted', 'the job was cancelled'));
    await Promise.all(running.map(({ ended }) => ended));
    this.#cancelling.delete(isMeant);
  }

  setFloor(priority: number): void {
    this.#floor = priority;
    this.#start();
  }

  async counts(): Promise<Readonly<Record<JobKind, JobCount>>> {
    const entries = JOB_KINDS.map((kind) => [
      kind,
      {
        waiting: this.#waiting.count(kind) + countOf(kind, this.#delayed.values()),
        running: countOf(kind, this.#running.values()),
      },
    ]);
    return Object.fromEntries(entries);
  }

  async onIdle(): Promise<void> {
    while (this.#keys.size > 0) await this.#idle.promise;
  }

  async close(graceMs: number): Promise<void> {
    this.#isClosed = true;
    this.#drop(() => true);
    const running = [...this.#running.values()];
    const ended = Promise.all(running.map((job) => job.ended));
    await within(graceMs, ended);
    for (const { controller } of running) controller.abort(new AppError('aborted', 'the server is stopping'));
    await within(ABORT_MS, ended);
  }

  /** Not at once: what is enqueued in one go is looked at together, and no handler runs inside `enqueue`. */
  #start(): void {
    if (this.#isStarting) return;
    this.#isStarting = true;
    queueMicrotask(() => {
      this.#isStarting = false;
      for (const seat of this.#seats) this.#fill(seat);
    });
  }

  #fill(seat: Seat): void {
    while (seat.running < seat.worker.concurrency) {
      const next = this.#waiting.take(seat.worker.kinds, this.#floor);
      if (next === undefined) return;
      this.#run(seat, next);
    }
  }

  #run(seat: Seat, waiting: WaitingJob): void {
    const { job } = waiting;
    const controller = new AbortController();
    seat.running++;
    const ended = this.#attempt(seat.worker, waiting, controller.signal).finally(() => {
      seat.running--;
      this.#running.delete(job.key);
      if (!this.#delayed.has(job.key)) this.#free(job.key);
      this.#start();
    });
    this.#running.set(job.key, { job, controller, ended });
  }

  async #attempt(worker: JobWorker, waiting: WaitingJob, signal: AbortSignal): Promise<void> {
    const { job, attempt, interruptions } = waiting;
    try {
      await worker.handle(job, signal);
    } catch (error) {
      if (signal.aborted || this.#isClosed) return;
      const isFinal = isAppError(error) && worker.finalCodes.includes(error.code);
      if (isAppError(error, 'unavailable') && interruptions < MOST_INTERRUPTIONS)
        this.#retry({ ...waiting, interruptions: interruptions + 1 });
      else if (!isFinal && attempt < (worker.attempts ?? DEFAULT_ATTEMPTS))
        this.#retry({ ...waiting, attempt: attempt + 1 });
      else await this.#giveUp(worker, job, error);
    }
  }

  #retry(next: WaitingJob): void {
    const { job, attempt, interruptions } = next;
    const { retryDelays = RETRY_DELAYS } = this.#options;
    const timer = setTimeout(
      () => {
        this.#delayed.delete(job.key);
        this.#waiting.putBack(next);
        this.#start();
      },
      retryDelayMs(retryDelays, attempt - 1 + interruptions),
    );
    this.#delayed.set(job.key, { ...next, timer });
  }

  async #giveUp(worker: JobWorker, job: Job, error: unknown): Promise<void> {
    try {
      await worker.onFailed(job, error);
    } catch (failure) {
      this.#options.onError(job, failure);
    }
  }

  /** Forgets the jobs that do not run yet and that are meant. */
  #drop(isMeant: (job: Job) => boolean): void {
    for (const { key } of this.#waiting.removeAll(isMeant)) this.#free(key);
    for (const { job, timer } of this.#delayed.values()) {
      if (!isMeant(job)) continue;
      clearTimeout(timer);
      this.#delayed.delete(job.key);
      this.#free(job.key);
    }
  }

  #free(key: string): void {
    this.#keys.delete(key);
    if (this.#keys.size > 0) return;
    this.#idle.resolve();
    this.#idle = Promise.withResolvers();
  }
}

function countOf(kind: JobKind, jobs: Iterable<{ readonly job: Job }>): number {
  let count = 0;
  for (const { job } of jobs) if (job.kind === kind) count++;
  return count;
}
