import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { openPostgresBroadcast } from '../../src/cluster/postgres-broadcast.ts';
import { MOST_INTERRUPTIONS, type RetryDelays } from '../../src/jobs/job-queue.ts';
import { openPgBossJobQueue, type PgBossJobQueue } from '../../src/jobs/pg-boss.ts';
import { openPool } from '../../src/postgres/pool.ts';
import { rejects } from '../contracts/object-store.contract.ts';
import { eventually, jobOf, testJobQueue, workerOf } from '../contracts/job-queue.contract.ts';
import { postgres, type PostgresServer, startPostgres } from '../fixtures/postgres.ts';

/** Whole seconds: the shortest delay that pg-boss can tell from none is one to two. */
const SLOWNESS = 10;
const ONE_SECOND = { firstDelayMs: 1000, maxDelayMs: 1000 };

type Process = AsyncDisposable & { readonly queue: PgBossJobQueue; readonly errors: unknown[] };

describe('pg-boss', { skip: postgres.skip }, () => {
  let server: PostgresServer;
  let url: string;
  let pool: Pool;
  before(async () => {
    server = await startPostgres();
    url = await server.createDatabase();
    pool = openPool({ url, size: 3 });
  });
  after(async () => {
    await pool.end();
    await server[Symbol.asyncDispose]();
  });

  /** What one process of several has. */
  const join = async (retryDelays: RetryDelays = ONE_SECOND, address = url): Promise<Process> => {
    const own = openPool({ url: address, size: 4 });
    const errors: unknown[] = [];
    const onError = (error: unknown): void => void errors.push(error);
    const broadcast = await openPostgresBroadcast({ pool: own, url: address, onError });
    const queue = await openPgBossJobQueue({ pool: own, broadcast, onError, retryDelays });
    const end = async (): Promise<void> => {
      await queue.close(0);
      await broadcast[Symbol.asyncDispose]();
      await own.end();
    };
    // Once, although a test may end it before its own end.
    let ending: Promise<void> | undefined;
    return { queue, errors, [Symbol.asyncDispose]: () => (ending ??= end()) };
  };

  testJobQueue('pg-boss', SLOWNESS, async (retryDelays) => {
    const made = await join(retryDelays);
    await pool.query('delete from sluice_jobs.job');
    return made;
  });

  const alone = async (): Promise<Process> => {
    const made = await join();
    await pool.query('delete from sluice_jobs.job');
    return made;
  };

  test('a job that one process enqueues begins in another at once, and not when it looks the next time', async () => {
    await using enqueuer = await alone();
    await using worker = await join();
    const begun = new Map<string, PromiseWithResolvers<number>>();
    worker.queue.work(workerOf(async ({ key }) => begun.get(key)!.resolve(performance.now())));
    const delays: number[] = [];
    for (let n = 0; n < 11; n++) {
      const began = Promise.withResolvers<number>();
      begun.set(`${n}`, began);
      const at = performance.now();
      await enqueuer.queue.enqueue(jobOf(`${n}`));
      delays.push((await began.promise) - at);
    }
    // It looks each second; on a machine with nothing else to do, it is told within 10 ms.
    const median = delays.sort((a, b) => a - b)[5]!;
    assert.ok(median < 400, `${median} ms`);
  });

  test('each job is done by one of many processes, and a backlog is drained by all', async () => {
    await using first = await alone();
    await using second = await join();
    await using third = await join();
    const processes = [first, second, third];
    const done = new Map<number, string[]>(processes.map((_, index) => [index, []]));
    const jobs = Array.from({ length: 60 }, (_, n) => jobOf(`${n}`, { videoId: `vid_${n % 7}` }));
    const added = await Promise.all(processes.map(({ queue }) => queue.enqueueAll(jobs)));
    assert.equal(
      added.reduce((sum, count) => sum + count),
      jobs.length,
    );
    for (const [index, { queue }] of processes.entries()) {
      queue.work(
        workerOf(async ({ key }) => {
          done.get(index)!.push(key);
          await sleep(5);
        }),
      );
    }
    await first.queue.onIdle();
    const all = [...done.values()].flat();
    assert.equal(all.length, jobs.length);
    assert.equal(new Set(all).size, jobs.length);
    for (const [index, keys] of done) assert.ok(keys.length > 0, `process ${index} did nothing`);
  });

  test('of several workers, those take a job that have less to do', async () => {
    await using busy = await alone();
    await using idle = await join();
    const release = Promise.withResolvers<void>();
    const taken = { busy: 0, idle: 0 };
    const take = (who: keyof typeof taken) => async (): Promise<void> => {
      taken[who]++;
      await release.promise;
    };
    const [early, late] = [5, 6];
    busy.queue.work(workerOf(take('busy'), { concurrency: early + late }));
    for (let n = 0; n < early; n++) await busy.queue.enqueue(jobOf(`early ${n}`));
    await eventually(() => taken.busy === early, 'the early jobs are taken');
    idle.queue.work(workerOf(take('idle'), { concurrency: early + late }));
    await sleep(50);
    for (let n = 1; n <= late; n++) {
      await busy.queue.enqueue(jobOf(`late ${n}`));
      await eventually(() => taken.busy + taken.idle === early + n, `late job ${n} is taken`);
      await sleep(20);
    }
    // Alone the one that enqueues would be quicker each time: it hears of it first.
    assert.ok(taken.idle >= 2, JSON.stringify(taken));
    release.resolve();
    await busy.queue.onIdle();
  });

  test('a job of a process that fell silent is given to another', async () => {
    await using survivor = await alone();
    await using hanging = await join();
    const taken = Promise.withResolvers<void>();
    hanging.queue.work(
      workerOf((_, signal) => {
        taken.resolve();
        return new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason)),
        );
      }),
    );
    await hanging.queue.enqueue(jobOf('a'));
    await taken.promise;
    // It notices that its job was given away, and is not to take it back.
    hanging.queue.setFloor(Number.POSITIVE_INFINITY);
    const done: string[] = [];
    survivor.queue.work(workerOf(async ({ key }) => void done.push(key)));
    // As after a process has died: nobody says any more that it lives. This one does, and is talked over.
    const end = Date.now() + 60_000;
    while (done.length === 0) {
      assert.ok(Date.now() < end, 'nobody took it over');
      await pool.query(
        "update sluice_jobs.job set heartbeat_on = now() - interval '1 minute' where retry_count = 0",
      );
      await sleep(50);
    }
    await survivor.queue.onIdle();
    await hanging[Symbol.asyncDispose]();
    await survivor.queue.onIdle();
  });

  test('a job whose process dies each time is given up', async () => {
    await using made = await alone();
    await made.queue.enqueue(jobOf('a'));
    await pool.query('update sluice_jobs.job set started_on = now(), retry_count = $1', [MOST_INTERRUPTIONS]);
    const given = Promise.withResolvers<unknown>();
    made.queue.work(
      workerOf(async () => assert.fail('it is not tried again'), {
        onFailed: async (_, error) => given.resolve(error),
      }),
    );
    await rejects(
      given.promise.then((error) => Promise.reject(error)),
      'encode_failed',
    );
    await made.queue.onIdle();
  });

  test('a process that dies counts as no attempt', async () => {
    await using made = await alone();
    await made.queue.enqueue(jobOf('a'));
    const tried: number[] = [];
    // As pg-boss leaves it, time after time, until this process gets it.
    await pool.query('update sluice_jobs.job set started_on = now(), retry_count = 5');
    made.queue.work(
      workerOf(async () => {
        if (tried.push(tried.length) < 3) throw new Error('by chance');
      }),
    );
    await made.queue.onIdle();
    assert.equal(tried.length, 3);
  });

  test('what became of a job is told, although the connection is lost at that moment', async () => {
    await using made = await alone();
    const runs: string[] = [];
    made.queue.work(
      workerOf(async ({ key }) => {
        runs.push(key);
        await pool.query(
          'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()',
        );
      }),
    );
    const enqueuedAt = performance.now();
    await made.queue.enqueue(jobOf('a'));
    while (runs.length === 0) await sleep(10);
    for (let isIdle = false; !isIdle; ) {
      // Sooner than a process that says nothing is taken for dead.
      assert.ok(performance.now() - enqueuedAt < 9000, 'nobody says what became of it');
      const onIdle = made.queue.onIdle();
      isIdle = await onIdle.then(
        () => true,
        () => false,
      );
    }
    assert.deepEqual(runs, ['a']);
  });

  test('calling off reaches every process, and returns when nothing runs any more', async () => {
    await using here = await alone();
    await using there = await join();
    const events: string[] = [];
    const started = Promise.withResolvers<void>();
    there.queue.work(
      workerOf(async (job, signal) => {
        started.resolve();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        await sleep(50);
        events.push(`${job.key} ended`);
        throw signal.reason;
      }),
    );
    await here.queue.enqueueAll([jobOf('a0'), jobOf('a1')]);
    await started.promise;
    await here.queue.cancel('vid_a');
    events.push('cancelled');
    assert.deepEqual(events, ['a0 ended', 'cancelled']);
    await here.queue.onIdle();
  });

  test('what a process that stops was doing is done by another, as if it had never been tried', async () => {
    await using other = await alone();
    await using stopping = await join();
    const taken = Promise.withResolvers<void>();
    const attempts = { attempts: 1 };
    stopping.queue.work(
      workerOf((_, signal) => {
        taken.resolve();
        return new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason)),
        );
      }, attempts),
    );
    await stopping.queue.enqueue(jobOf('a', { payload: { n: 1 } }));
    await taken.promise;
    await stopping[Symbol.asyncDispose]();
    const done = Promise.withResolvers<unknown>();
    other.queue.work(workerOf(async ({ payload }) => done.resolve(payload), attempts));
    assert.deepEqual(await done.promise, { n: 1 });
  });

  test('goes on by itself after the database was away', async () => {
    const address = await server.createDatabase();
    await using made = await join(ONE_SECOND, address);
    const done: string[] = [];
    made.queue.work(workerOf(async ({ key }) => void done.push(key)));
    await server.kill();
    await rejects(made.queue.enqueue(jobOf('a')), 'unavailable');
    await server.start();
    assert.equal(await made.queue.enqueue(jobOf('b')), true);
    await made.queue.onIdle();
    assert.deepEqual(done, ['b']);
  });
});
