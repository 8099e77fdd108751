/**
 * Jobs in PostgreSQL, shared by any number of processes. pg-boss keeps them, hands each to one process at a time, and
 * gives those of a process that fell silent to others. What it has no word for is here: turns between videos, the floor
 * and calling off. See docs/decisions/106.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { PgBoss } from 'pg-boss';
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
  RETRY_DELAYS,
  type RetryDelays,
} from './job-queue.ts';
import { PgBossTable } from './pg-boss-table.ts';

export type PgBossOptions = {
  readonly pool: Pool;
  /** Wakes workers of other processes at once, and carries what is called off. */
  readonly broadcast: Broadcast;
  /** The database did not do what was asked; it is tried again. Or a worker's `onFailed` threw. */
  readonly onError: (error: unknown, job?: Job) => void;
  /** {@link RETRY_DELAYS} unless given. */
  readonly retryDelays?: RetryDelays;
};

/** A process that says nothing for so long is taken for dead, and its jobs are given to others: pg-boss's least. */
const HEARTBEAT_SECONDS = 10;
const TOUCH_MS = 2500;
/** How often one of the processes looks for the dead. */
const SUPERVISE_SECONDS = 2;
/** Nothing runs longer: a pull from a slow address. */
const EXPIRE_SECONDS = 23 * 60 * 60;
/** Longer than any backlog. */
const KEEP_WAITING_SECONDS = 365 * 24 * 60 * 60;
/** Of {@link JobWorker.attempts}, and some. */
const MOST_ATTEMPTS = 12;
/** What is done is of no interest for long. */
const KEEP_DONE_SECONDS = 60 * 60;
/** Without word from the broadcast, workers look by themselves. Retries become due without a word. */
const POLL_MS = 1000;
/** For each job that a worker is doing, it is slower to take another. */
const STEP_BACK_MS = 15;
/** How long a job may take to end after its signal has fired. */
const ABORT_MS = 2000;
/** For jobs of other processes. */
const REMOTE_ABORT_MS = 10_000;

const WAKE_TOPIC = 'jobs';
const CANCEL_TOPIC = 'jobs-cancel';

type Cancellation = { readonly videoId: string; readonly exceptKey?: string };
type Claim = { readonly id: string; readonly retryCount: number };
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
  const { pool, onError, retryDelays = RETRY_DELAYS } = options;
  const boss = new PgBoss({
    db: { executeSql: (text, values) => pool.query(text, values) },
    schema: PgBossTable.schema,
    schedule: false,
    registerInstance: false,
    superviseIntervalSeconds: SUPERVISE_SECONDS,
    monitorIntervalSeconds: SUPERVISE_SECONDS,
  });
  boss.on('error', (error) => onError(error));
  try {
    await boss.start();
    for (const kind of JOB_KINDS) {
      const queue = {
        heartbeatSeconds: HEARTBEAT_SECONDS,
        expireInSeconds: EXPIRE_SECONDS,
        retentionSeconds: KEEP_WAITING_SECONDS,
        deleteAfterSeconds: KEEP_DONE_SECONDS,
        // Attempts are counted here: a job whose process died each time is to come back once more, to be given up.
        retryLimit: MOST_ATTEMPTS,
        ...retryOf(retryDelays),
      };
      await boss.createQueue(kind, { policy: 'exclusive', ...queue });
      await boss.updateQueue(kind, queue);
    }
  } catch (error) {
    await boss.stop({ graceful: false }).catch(() => {});
    throw postgresError(error);
  }
  return new PgBossJobQueue(boss, options);
}

/** The jobs that all processes share, and those that this one does. */
export class PgBossJobQueue implements JobQueue {
  readonly #boss: PgBoss;
  readonly #options: PgBossOptions;
  readonly #table: PgBossTable;
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
    const wanted = jobs.filter((job) => !this.#isClosed && !this.#isCancelled(job));
    if (wanted.length === 0) return 0;
    let added = 0;
    try {
      for (const group of groupsOf(wanted)) {
        const rows = await this.#table.rowsOf(group);
        const ids = await this.#boss.insert(group[0]!.kind, rows, { returnId: true });
        added += ids?.length ?? 0;
      }
    } catch (error) {
      throw postgresError(error);
    }
    if (added > 0) this.#options.broadcast.publish(WAKE_TOPIC, null);
    return added;
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
      const options = minPriority === undefined ? {} : { minPriority };
      const [claimed] = await this.#boss.fetch<Omit<Job, 'kind'>>(kind, options);
      if (claimed === undefined) return;
      this.#run(seat, { kind, ...claimed.data }, { id: claimed.id, retryCount: claimed.retryCount });
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
    const { attempts = DEFAULT_ATTEMPTS } = worker;
    try {
      if (claim.retryCount >= attempts)
        throw new AppError('encode_failed', 'every process that tried it died');
      await worker.handle(job, signal);
    } catch (error) {
      if (this.#isClosed) return this.#giveBack(job, claim);
      if (signal.aborted) return void (await this.#boss.deleteJob(job.kind, claim));
      const isFinal = isAppError(error) && worker.finalCodes.includes(error.code);
      if (!isFinal && claim.retryCount + 1 < attempts) return void (await this.#boss.fail(job.kind, claim));
      await worker.onFailed(job, error).catch((failure: unknown) => this.#options.onError(failure, job));
    }
    await this.#boss.complete(job.kind, claim);
  }

  /** As if it had never been begun: it is nobody's fault that this process stops. */
  async #giveBack(job: Job, claim: Claim): Promise<void> {
    if (affectedBy(await this.#boss.deleteJob(job.kind, claim)) === 0) return;
    await this.#boss.insert(job.kind, await this.#table.rowsOf([job]));
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

/** pg-boss waits between once and twice as long as its `retryDelay`, in whole seconds, and then doubles it. */
function retryOf({ firstDelayMs, maxDelayMs }: RetryDelays) {
  if (firstDelayMs < 500) return { retryDelay: 0, retryBackoff: false };
  const retryDelay = Math.max(1, Math.round(firstDelayMs / 2000));
  return { retryDelay, retryBackoff: true, retryDelayMax: Math.max(1, Math.round(maxDelayMs / 1000)) };
}

function isMeant(job: Job, { videoId, exceptKey }: Cancellation): boolean {
  return job.videoId === videoId && job.key !== exceptKey;
}

/** Of one kind, video and priority each, in the order in which they came. */
function groupsOf(jobs: readonly Job[]): readonly Job[][] {
  return [...Map.groupBy(jobs, ({ kind, videoId, priority }) => `${kind}/${priority}/${videoId}`).values()];
}

/** Resolves when `work` has ended, but no later than after `milliseconds`. */
async function within(milliseconds: number, work: Promise<unknown>): Promise<void> {
  const timeout = Promise.withResolvers<void>();
  const timer = setTimeout(timeout.resolve, milliseconds);
  await Promise.race([work, timeout.promise]);
  clearTimeout(timer);
}
