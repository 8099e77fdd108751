/**
 * Jobs in PostgreSQL, shared by any number of processes. pg-boss keeps them, hands each to one process at a time, and
 * gives those of a process that fell silent to others. What it has no word for is here: turns between videos, the floor
 * and calling off. See docs/decisions/106.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PgBoss } from 'pg-boss';
import type { Pool } from 'pg';
import type { Broadcast } from '../cluster/broadcast.ts';
import { AppError, isAppError } from '../errors.ts';
import { postgresError } from '../postgres/errors.ts';
import {
  DEFAULT_ATTEMPTS,
  type Job,
  type JobCount,
  JOB_KINDS,
  type JobKind,
  type JobQueue,
  type JobWorker,
  MOST_INTERRUPTIONS,
  type RetryDelays,
  type SqlTransaction,
} from './job-queue.ts';
import { sqlOf, startPgBoss } from './pg-boss-setup.ts';
import { PgBossTable } from './pg-boss-table.ts';
import { within } from './within.ts';

export type PgBossOptions = {
  readonly pool: Pool;
  /** Wakes workers of other processes at once, and carries what is called off. */
  readonly broadcast: Broadcast;
  /** The database did not do what was asked; it is tried again. Or a worker's `onFailed` threw. */
  readonly onError: (error: unknown, job?: Job) => void;
  /** `RETRY_DELAYS` unless given. */
  readonly retryDelays?: RetryDelays;
};

/** How often we say that we live: well within the heartbeat that pg-boss-setup.ts asks for. */
const TOUCH_MS = 2500;
/** Without word from the broadcast, workers look by themselves. Retries become due without a word. */
const POLL_MS = 1000;
/** For each job that a worker is doing, it is slower to take another. */
const STEP_BACK_MS = 15;
/** How long a job may take to end after its signal has fired. */
const ABORT_MS = 2000;
/** Between two attempts to say what became of a job. */
const SETTLE_MS = 300;
/** For jobs of other processes. */
const REMOTE_ABORT_MS = 10_000;

const WAKE_TOPIC = 'jobs';
const CANCEL_TOPIC = 'jobs-cancel';

type Cancellation = { readonly videoId: string; readonly exceptKey?: string };
/** One attempt at a job. Of those before it, `failures` failed by themselves; the others were interrupted. */
type Claim = { readonly id: string; readonly retryCount: number; readonly failures: number };
type RunningJob = {
  readonly job: Job;
  readonly claim: Claim;
  readonly controller: AbortController;
  readonly ended: Promise<void>;
};
type Seat = {
  readonly worker: JobWorker;
  running: number;
  filling: Promise<void> | undefined;
  isAgain: boolean;
};

/** Opens the queue; several processes may do so at once. Call `close` in the end. */
export async function openPgBossJobQueue(options: PgBossOptions): Promise<PgBossJobQueue> {
  return new PgBossJobQueue(await startPgBoss(options), options);
}

/** The jobs that all processes share, and those that this one does. */
export class PgBossJobQueue implements JobQueue {
  readonly #boss: PgBoss;
  readonly #options: PgBossOptions;
  readonly #table: PgBossTable;
  readonly #ownSql: SqlTransaction;
  readonly #seats: Seat[] = [];
  readonly #running = new Map<string, RunningJob>();
  readonly #cancelling = new Set<Cancellation>();
  readonly #subscriptions: readonly Disposable[];
  readonly #timers: readonly NodeJS.Timeout[];
  #floor = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(boss: PgBoss, options: PgBossOptions) {
    this.#boss = boss;
    this.#options = options;
    this.#table = new PgBossTable(options.pool);
    this.#ownSql = sqlOf(options.pool);
    this.#subscriptions = [
      options.broadcast.subscribe(WAKE_TOPIC, () => this.#fillAll()),
      options.broadcast.subscribe(CANCEL_TOPIC, (message) => this.#cancelHere(message as Cancellation)),
    ];
    this.#timers = [
      setInterval(() => this.#fillAll(), POLL_MS),
      setInterval(() => void this.#touch(), TOUCH_MS),
    ];
  }

  async enqueue(job: Job): Promise<boolean> {
    return (await this.enqueueAll([job])) === 1;
  }

  async enqueueAll(jobs: readonly Job[]): Promise<number> {
    const added = await this.#insert(jobs, this.#ownSql);
    if (added > 0) this.#options.broadcast.publish(WAKE_TOPIC, null);
    return added;
  }

  async enqueueWith(transaction: SqlTransaction, jobs: readonly Job[]): Promise<() => Promise<void>> {
    const added = await this.#insert(jobs, transaction);
    return async () => {
      if (added > 0) this.#options.broadcast.publish(WAKE_TOPIC, null);
    };
  }

  work(worker: JobWorker): void {
    this.#seats.push({ worker, running: 0, filling: undefined, isAgain: false });
    this.#fillAll();
  }

  async cancel(videoId: string, { exceptKey }: { readonly exceptKey?: string } = {}): Promise<void> {
    const cancellation = { videoId, ...(exceptKey === undefined ? {} : { exceptKey }) };
    this.#cancelling.add(cancellation);
    try {
      await this.#table.deleteWaiting(videoId, exceptKey);
      // Heard here as well: running jobs' signals fire.
      this.#options.broadcast.publish(CANCEL_TOPIC, cancellation);
      const end = Date.now() + REMOTE_ABORT_MS;
      while ((await this.#table.countRunning(videoId, exceptKey)) > 0 && Date.now() < end) await sleep(30);
      // What has not ended by now belongs to a process that hangs or is dead, and nobody is to begin it again.
      await this.#table.deleteAll(videoId, exceptKey);
    } catch (error) {
      throw postgresError(error);
    } finally {
      this.#cancelling.delete(cancellation);
    }
  }

  setFloor(priority: number): void {
    this.#floor = priority;
    this.#fillAll();
  }

  async counts(): Promise<Readonly<Record<JobKind, JobCount>>> {
    const found = await this.#table.counts().catch((error: unknown) => {
      throw postgresError(error);
    });
    const none = { waiting: 0, running: 0 };
    return Object.fromEntries(JOB_KINDS.map((kind) => [kind, found.get(kind) ?? none])) as Record<
      JobKind,
      JobCount
    >;
  }

  async onIdle(): Promise<void> {
    while (Object.values(await this.counts()).some(({ waiting, running }) => waiting + running > 0)) {
      await sleep(50);
    }
  }

  async close(graceMs: number): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(this.#seats.map((seat) => seat.filling));
    const touching = setInterval(() => void this.#touch(), TOUCH_MS);
    const ended = Promise.all([...this.#running.values()].map((running) => running.ended));
    await within(graceMs, ended);
    this.#abort(() => true, 'the server is stopping');
    await within(ABORT_MS, ended);
    clearInterval(touching);
    for (const subscription of this.#subscriptions) subscription[Symbol.dispose]();
    await this.#boss.stop({ graceful: false, close: false }).catch(this.#options.onError);
  }

  /** How many were added. */
  async #insert(jobs: readonly Job[], sql: SqlTransaction): Promise<number> {
    const wanted = jobs.filter((job) => !this.#isClosed && !this.#isCancelled(job));
    const options = { returnId: true, db: sql };
    let added = 0;
    try {
      for (const group of groupsOf(wanted)) {
        const rows = await this.#table.rowsOf(group, sql);
        added += (await this.#boss.insert(group[0]!.kind, rows, options))?.length ?? 0;
      }
    } catch (error) {
      throw postgresError(error);
    }
    return added;
  }

  #isCancelled(job: Job): boolean {
    return this.#cancelling.values().some((cancellation) => isMeant(job, cancellation));
  }

  #cancelHere(cancellation: Cancellation): void {
    this.#abort((job) => isMeant(job, cancellation), 'the job was cancelled');
  }

  /** Until they have ended, those whose signals fire here may add nothing for their video. */
  #abort(isChosen: (job: Job) => boolean, reason: string): void {
    for (const { job, controller, ended } of this.#running.values()) {
      if (!isChosen(job)) continue;
      controller.abort(new AppError('aborted', reason));
      const cancellation = { videoId: job.videoId };
      this.#cancelling.add(cancellation);
      void ended.then(() => this.#cancelling.delete(cancellation));
    }
  }

  #fillAll(): void {
    for (const seat of this.#seats) {
      seat.isAgain = true;
      seat.filling ??= this.#fill(seat).finally(() => (seat.filling = undefined));
    }
  }

  async #fill(seat: Seat): Promise<void> {
    while (seat.isAgain) {
      seat.isAgain = false;
      try {
        for (const kind of seat.worker.kinds) await this.#take(seat, kind);
      } catch (error) {
        // Away for now. The next poll tries again.
        this.#options.onError(postgresError(error));
      }
    }
  }

  async #take(seat: Seat, kind: JobKind): Promise<void> {
    while (seat.running < seat.worker.concurrency && !this.#isClosed && this.#floor !== Infinity) {
      // All are woken at once: whoever has less to do is quicker.
      if (seat.running > 0) await sleep(Math.min(seat.running * STEP_BACK_MS, 5 * STEP_BACK_MS));
      const minPriority = PgBossTable.lowestOf(this.#floor);
      const options = {
        includeMetadata: true,
        ...(minPriority === undefined ? {} : { minPriority }),
      } as const;
      const [claimed] = await this.#boss.fetch<Omit<Job, 'kind'>>(kind, options);
      if (claimed === undefined) return;
      const { id, retryCount, output } = claimed;
      this.#run(seat, { kind, ...claimed.data }, { id, retryCount, failures: failuresOf(output) });
    }
  }

  #run(seat: Seat, job: Job, claim: Claim): void {
    const controller = new AbortController();
    seat.running++;
    const ended = this.#attempt(seat.worker, job, claim, controller.signal)
      .catch((error: unknown) => this.#options.onError(postgresError(error), job))
      .finally(() => {
        seat.running--;
        this.#running.delete(claim.id);
        this.#fillAll();
      });
    this.#running.set(claim.id, { job, claim, controller, ended });
    if (this.#isCancelled(job)) controller.abort(new AppError('aborted', 'the job was cancelled'));
  }

  async #attempt(worker: JobWorker, job: Job, claim: Claim, signal: AbortSignal): Promise<void> {
    const outcome = await this.#outcomeOf(worker, job, claim, signal);
    // What nobody says anything about is taken for lost, which costs everybody twelve seconds.
    for (;;) {
      try {
        await outcome();
        return;
      } catch (error) {
        const reason = postgresError(error);
        if (this.#isClosed || !isAppError(reason, 'unavailable')) throw reason;
        this.#options.onError(reason, job);
      }
      await sleep(SETTLE_MS);
    }
  }

  /** Does it. What it answers tells the database what became of it, and bears being called again. */
  async #outcomeOf(
    worker: JobWorker,
    job: Job,
    claim: Claim,
    signal: AbortSignal,
  ): Promise<() => Promise<unknown>> {
    const { attempts = DEFAULT_ATTEMPTS } = worker;
    const interruptions = claim.retryCount - claim.failures;
    try {
      if (interruptions > MOST_INTERRUPTIONS)
        throw new AppError('encode_failed', 'every process that tried it died');
      await worker.handle(job, signal);
    } catch (error) {
      if (this.#isClosed) return () => this.#giveBack(job, claim);
      if (signal.aborted) return () => this.#boss.deleteJob(job.kind, claim);
      const isInterrupted = isAppError(error, 'unavailable') && interruptions < MOST_INTERRUPTIONS;
      const failures = claim.failures + (isInterrupted ? 0 : 1);
      const isFinal = isAppError(error) && worker.finalCodes.includes(error.code);
      if (isInterrupted || (!isFinal && interruptions <= MOST_INTERRUPTIONS && failures < attempts))
        return () => this.#boss.fail(job.kind, claim, { failures });
      await worker.onFailed(job, error).catch((failure: unknown) => this.#options.onError(failure, job));
    }
    return () => this.#boss.complete(job.kind, claim);
  }

  /** As if it had never been begun: it is nobody's fault that this process stops. */
  async #giveBack(job: Job, claim: Claim): Promise<void> {
    if (affectedBy(await this.#boss.deleteJob(job.kind, claim)) === 0) return;
    await this.#boss.insert(job.kind, await this.#table.rowsOf([job], this.#ownSql));
    this.#options.broadcast.publish(WAKE_TOPIC, null);
  }

  /** Says that we live. A job that is no longer ours was given to others, or called off. */
  async #touch(): Promise<void> {
    for (const kind of JOB_KINDS) {
      const mine = [...this.#running.values()].filter(({ job }) => job.kind === kind);
      if (mine.length === 0) continue;
      try {
        const claims = mine.map(({ claim }) => claim);
        if (affectedBy(await this.#boss.touch(kind, claims)) < mine.length) await this.#dropLost(kind, mine);
      } catch (error) {
        this.#options.onError(postgresError(error));
      }
    }
  }

  async #dropLost(kind: JobKind, running: readonly RunningJob[]): Promise<void> {
    for (const { claim, controller } of running) {
      if (affectedBy(await this.#boss.touch(kind, claim)) === 0)
        controller.abort(new AppError('aborted', 'the job was given to another process'));
    }
  }
}

/** Of how many jobs it was true: its types say nothing of what it answers. */
function affectedBy(response: object): number {
  return (response as { affected: number }).affected;
}

/** What {@link PgBossJobQueue} writes down when a job fails; a process that dies leaves something else. */
function failuresOf(output: object | null): number {
  const failures = output !== null && 'failures' in output ? output.failures : 0;
  return typeof failures === 'number' ? failures : 0;
}

function isMeant(job: Job, { videoId, exceptKey }: Cancellation): boolean {
  return job.videoId === videoId && job.key !== exceptKey;
}

/** Of one kind, video and priority each, in the order in which they came. */
function groupsOf(jobs: readonly Job[]): readonly Job[][] {
  return [...Map.groupBy(jobs, ({ kind, videoId, priority }) => `${kind}/${priority}/${videoId}`).values()];
}
