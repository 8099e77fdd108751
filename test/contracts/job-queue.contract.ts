/** What every job queue does. A queue's test calls this with a way to make an empty one. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../src/errors.ts';
import {
  type Job,
  type JobQueue,
  type JobWorker,
  MAX_PRIORITY,
  type RetryDelays,
  sharingSlots,
} from '../../src/jobs/job-queue.ts';

/** An empty queue, and how to get rid of it. */
export type QueueUnderTest = AsyncDisposable & { readonly queue: JobQueue };

const QUICK: RetryDelays = { firstDelayMs: 10, maxDelayMs: 20 };

/** A job that nothing else is like, but for `overrides`. */
export function jobOf(key: string, overrides: Partial<Job> = {}): Job {
  return { kind: 'encode-chunk', key, videoId: 'vid_a', priority: 0, payload: null, ...overrides };
}

/** Does jobs one at a time, and fails the test where one is given up. */
export function workerOf(handle: JobWorker['handle'], overrides: Partial<JobWorker> = {}): JobWorker {
  return {
    kinds: ['encode-chunk'],
    concurrency: 1,
    finalCodes: [],
    handle,
    onFailed: async (job, error) => assert.fail(`${job.key} was given up: ${String(error)}`),
    ...overrides,
  };
}

/** Ends when its signal fires, as an encode does; `started` has the keys of those that run. */
function endlessWork(overrides: Partial<JobWorker> = {}) {
  const started: string[] = [];
  const aborted: string[] = [];
  const { promise: first, resolve: onFirst } = Promise.withResolvers<void>();
  const worker = workerOf(async ({ key }, signal) => {
    started.push(key);
    onFirst();
    if (!signal.aborted) await once(signal, 'abort');
    aborted.push(key);
    throw signal.reason;
  }, overrides);
  return { worker, started, aborted, first };
}

function chunksOf(videoId: string, count: number): Job[] {
  return Array.from({ length: count }, (_, n) => jobOf(`${videoId}${n}`, { videoId }));
}

/** The keys of `jobs`, enqueued in this order, in the order in which one worker does them. */
async function orderOf(queue: JobQueue, jobs: readonly Job[]): Promise<readonly string[]> {
  const done: string[] = [];
  for (const job of jobs) assert.equal(await queue.enqueue(job), true, job.key);
  queue.work(workerOf(async ({ key }) => void done.push(key)));
  await queue.onIdle();
  return done;
}

/** Fails rather than hangs. */
export async function eventually(holds: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 2000) assert.fail(`it never came to this: ${what}`);
    await sleep(10);
  }
}

/**
 * Registers the tests of `subject`. Each of them calls `make` for a queue of its own. `slowness`: times as long as in
 * memory are the delays that it can tell from others.
 */
export function testJobQueue(
  subject: string,
  slowness: number,
  make: (retryDelays: RetryDelays) => Promise<QueueUnderTest>,
): void {
  const using = (
    name: string,
    body: (queue: JobQueue) => Promise<void>,
    retryDelays: RetryDelays = QUICK,
  ): void => {
    test(name, { timeout: 60_000 }, async () => {
      await using made = await make(retryDelays);
      await body(made.queue);
    });
  };
  const delays = (firstDelayMs: number): RetryDelays => ({
    firstDelayMs: firstDelayMs * slowness,
    maxDelayMs: firstDelayMs * slowness * 5,
  });

  describe(`${subject} is a job queue`, () => {
    using('hands over the job as it was enqueued', async (queue) => {
      const job = jobOf('a', { priority: -2, payload: { chunk: 3, tracks: ['v480', 'ä'], none: null } });
      const seen: Job[] = [];
      queue.work(workerOf(async (given) => void seen.push(given)));
      await queue.enqueue(job);
      await queue.onIdle();
      assert.deepEqual(seen, [job]);
    });

    using('takes many at once, but for those that it has', async (queue) => {
      const jobs = [...chunksOf('a', 3), ...chunksOf('b', 2), jobOf('i', { kind: 'inspect' })];
      await queue.enqueue(jobs[1]!);
      assert.equal(await queue.enqueueAll(jobs), jobs.length - 1);
      assert.equal(await queue.enqueueAll(jobs), 0);
      const { inspect, 'encode-chunk': encode } = await queue.counts();
      assert.deepEqual([inspect.waiting, encode.waiting], [1, 5]);
    });

    using('is idle when it is empty', (queue) => queue.onIdle());

    using('does the higher priority first, then what came first', async (queue) => {
      const order = await orderOf(queue, [
        jobOf('low 1', { priority: 1 }),
        jobOf('high 1', { priority: 10 }),
        jobOf('low 2', { priority: 1 }),
        jobOf('high 2', { priority: 10, videoId: 'vid_b' }),
        jobOf('lowest', { priority: -MAX_PRIORITY }),
        jobOf('highest', { priority: MAX_PRIORITY }),
      ]);
      assert.equal(order[0], 'highest');
      // Of two videos, either may be first.
      assert.deepEqual(order.slice(1, 3).sort(), ['high 1', 'high 2']);
      assert.deepEqual(order.slice(3), ['low 1', 'low 2', 'lowest']);
    });

    using('does what shares slots with more urgent work behind that', async (queue) => {
      const done: string[] = [];
      const failed: string[] = [];
      await queue.enqueue(jobOf('picture', { kind: 'pictures', priority: 5 }));
      await queue.enqueueAll([0, 1, 2].map((n) => jobOf(`chunk ${n}`, { priority: 10 })));
      const encoding = workerOf(async ({ key }) => void done.push(key));
      const pictures = workerOf(() => Promise.reject(new AppError('source_damaged', 'broken')), {
        kinds: ['pictures'],
        onFailed: async ({ key }) => void failed.push(`${key} after ${done.length}`),
      });
      queue.work(sharingSlots(1, [{ ...encoding, finalCodes: ['source_damaged'] }, pictures]));
      await queue.onIdle();
      assert.deepEqual(done, ['chunk 0', 'chunk 1', 'chunk 2']);
      assert.deepEqual(failed, ['picture after 3']);
    });

    using('lets videos take turns within a priority', async (queue) => {
      const order = await orderOf(queue, [...chunksOf('a', 4), ...chunksOf('b', 2), ...chunksOf('c', 1)]);
      assert.deepEqual(order.slice(0, 3).sort(), ['a0', 'b0', 'c0']);
      assert.deepEqual(order.slice(3, 5).sort(), ['a1', 'b1']);
      assert.deepEqual(order.slice(5), ['a2', 'a3']);
    });

    using('does not let a video that is always given more work starve another', async (queue) => {
      const done: string[] = [];
      for (let n = 0; n < 3; n++) await queue.enqueue(jobOf(`b${n}`, { videoId: 'b' }));
      await queue.enqueue(jobOf('a0', { videoId: 'a' }));
      queue.work(
        workerOf(async ({ key, videoId }) => {
          done.push(key);
          if (videoId === 'a' && done.length < 20) {
            await queue.enqueue(jobOf(`a${done.length}`, { videoId }));
          }
        }),
      );
      await queue.onIdle();
      const lastOfB = done.indexOf('b2');
      assert.ok(lastOfB >= 0 && lastOfB <= 6, done.join(' '));
    });

    using('has one job of a key, waiting or running, and takes it again once it is done', async (queue) => {
      const release = Promise.withResolvers<void>();
      let runs = 0;
      const job = jobOf('a');
      assert.equal(await queue.enqueue(job), true);
      assert.equal(await queue.enqueue({ ...job, videoId: 'vid_b', payload: 1 }), false, 'waiting');
      queue.work(
        workerOf(async () => {
          runs++;
          await release.promise;
        }),
      );
      await eventually(() => runs === 1, 'the job runs');
      assert.equal(await queue.enqueue(job), false, 'running');
      release.resolve();
      await queue.onIdle();
      assert.equal(runs, 1);
      assert.equal(await queue.enqueue(job), true, 'done');
      await queue.onIdle();
      assert.equal(runs, 2);
    });

    using('runs as many at a time as each worker may, of its own kinds alone', async (queue) => {
      const running = { inspect: 0, 'encode-chunk': 0 };
      const most = { inspect: 0, 'encode-chunk': 0 };
      const handle: JobWorker['handle'] = async ({ kind }) => {
        assert.ok(kind === 'inspect' || kind === 'encode-chunk');
        most[kind] = Math.max(most[kind], ++running[kind]);
        await sleep(30 * slowness);
        running[kind]--;
      };
      queue.work(workerOf(handle, { kinds: ['inspect'], concurrency: 3 }));
      queue.work(workerOf(handle, { concurrency: 1 }));
      for (let n = 0; n < 6; n++) await queue.enqueue(jobOf(`i${n}`, { kind: 'inspect' }));
      for (let n = 0; n < 3; n++) await queue.enqueue(jobOf(`e${n}`));
      await queue.onIdle();
      assert.deepEqual(most, { inspect: 3, 'encode-chunk': 1 });
    });

    using('tries again what fails, and forgets the failure when it succeeds', async (queue) => {
      const attempts: number[] = [];
      queue.work(
        workerOf(async () => {
          attempts.push(performance.now());
          if (attempts.length < 3) throw new AppError('encode_failed', 'by chance');
        }),
      );
      await queue.enqueue(jobOf('a'));
      await queue.onIdle();
      assert.equal(attempts.length, 3);
    });

    using(
      'waits longer after each failure, and does other work meanwhile',
      async (queue) => {
        const attempts: number[] = [];
        const meanwhile: unknown[] = [];
        await queue.enqueue(jobOf('a', { priority: 1 }));
        await queue.enqueue(jobOf('other'));
        queue.work(
          workerOf(async ({ key }) => {
            if (key === 'other') {
              meanwhile.push(attempts.length, await queue.enqueue(jobOf('a')));
              return;
            }
            attempts.push(performance.now());
            if (attempts.length < 3) throw new Error('by chance');
          }),
        );
        await queue.onIdle();
        assert.deepEqual(
          meanwhile,
          [1, false],
          'the other one came before the second attempt; the key was taken',
        );
        const [first = 0, second = 0, third = 0] = attempts;
        assert.ok(second - first >= 95 * slowness, `${second - first} ms`);
        assert.ok(third - second >= 195 * slowness, `${third - second} ms`);
      },
      delays(200),
    );

    using('gives up after the last attempt, says why, and goes on with others', async (queue) => {
      const failures: [string, unknown][] = [];
      const error = new AppError('encode_failed', 'always');
      let attempts = 0;
      let others = 0;
      queue.work(
        workerOf(
          async ({ key }) => {
            if (key === 'other') return void others++;
            attempts++;
            throw error;
          },
          { onFailed: async ({ key }, why) => void failures.push([key, why]) },
        ),
      );
      await queue.enqueue(jobOf('a'));
      await queue.enqueue(jobOf('other', { videoId: 'vid_b' }));
      await queue.onIdle();
      assert.deepEqual([attempts, others], [3, 1]);
      assert.deepEqual(failures, [['a', error]]);
      assert.equal(await queue.enqueue(jobOf('a')), true, 'it may be enqueued anew');
    });

    using('counts no attempt where the database was away', async (queue) => {
      const attempts: number[] = [];
      queue.work(
        workerOf(
          async () => {
            if (attempts.push(attempts.length) < 4) throw new AppError('unavailable', 'the database is away');
          },
          { attempts: 1 },
        ),
      );
      await queue.enqueue(jobOf('a'));
      await queue.onIdle();
      assert.equal(attempts.length, 4);
    });

    using('does not try again what will not go away', async (queue) => {
      const tried: string[] = [];
      const failed: string[] = [];
      queue.work(
        workerOf(
          async ({ key }) => {
            tried.push(key);
            throw new AppError(key === 'final' ? 'source_damaged' : 'encode_failed', 'it broke');
          },
          { finalCodes: ['source_damaged', 'gone'], onFailed: async ({ key }) => void failed.push(key) },
        ),
      );
      await queue.enqueue(jobOf('final'));
      await queue.enqueue(jobOf('chance'));
      await queue.onIdle();
      assert.deepEqual([...tried].sort(), ['chance', 'chance', 'chance', 'final']);
      assert.deepEqual([...failed].sort(), ['chance', 'final']);
    });

    using('cancels all of a video, and nothing else', async (queue) => {
      const { worker, started, aborted, first } = endlessWork({ kinds: ['encode-chunk', 'inspect'] });
      queue.work(worker);
      await queue.enqueue(jobOf('a0'));
      await first;
      await queue.enqueue(jobOf('a1'));
      await queue.enqueue(jobOf('a2', { kind: 'inspect', priority: 9 }));
      await queue.enqueue(jobOf('b0', { videoId: 'vid_b' }));
      await queue.cancel('vid_a');
      assert.deepEqual(aborted, ['a0'], 'it had ended when cancel resolved');
      await eventually(() => started.length === 2, 'the other video');
      assert.deepEqual(started, ['a0', 'b0']);
      const { inspect, 'encode-chunk': encode } = await queue.counts();
      assert.deepEqual(
        [inspect, encode],
        [
          { waiting: 0, running: 0 },
          { waiting: 0, running: 1 },
        ],
      );
      assert.equal(await queue.enqueue(jobOf('a0')), true, 'its keys are free');
    });

    using(
      'cancels what waits to be tried again',
      async (queue) => {
        let attempts = 0;
        queue.work(
          workerOf(async () => {
            attempts++;
            throw new Error('by chance');
          }),
        );
        await queue.enqueue(jobOf('a'));
        await eventually(() => attempts === 1, 'the first attempt');
        await sleep(10);
        await queue.cancel('vid_a');
        await queue.onIdle();
        await sleep(400 + 110 * slowness);
        assert.equal(attempts, 1);
      },
      { firstDelayMs: 400 + 100 * slowness, maxDelayMs: 400 + 100 * slowness },
    );

    using('takes nothing that a cancelled job still adds, and spares the job that cancels', async (queue) => {
      const done: string[] = [];
      const started = Promise.withResolvers<void>();
      const worker = workerOf(
        async ({ key, videoId }, signal) => {
          if (key === 'delete') await queue.cancel(videoId, { exceptKey: key });
          else {
            started.resolve();
            if (!signal.aborted) await once(signal, 'abort');
            await queue.enqueue(jobOf('late'));
          }
          done.push(key);
        },
        { kinds: ['delete', 'encode-chunk'], concurrency: 2 },
      );
      await queue.enqueue(jobOf('a0'));
      queue.work(worker);
      await started.promise;
      await queue.enqueue(jobOf('delete', { kind: 'delete' }));
      await queue.onIdle();
      await sleep(20);
      assert.deepEqual(done, ['a0', 'delete']);
    });

    using('starts nothing below the floor, and takes up what waited when it sinks', async (queue) => {
      const done: string[] = [];
      queue.setFloor(5);
      queue.work(workerOf(async ({ key }) => void done.push(key)));
      await queue.enqueue(jobOf('low', { priority: 1 }));
      await queue.enqueue(jobOf('at', { priority: 5 }));
      await queue.enqueue(jobOf('high', { priority: 9 }));
      await eventually(() => done.length >= 2, 'those above the floor');
      await sleep(50);
      assert.deepEqual([...done].sort(), ['at', 'high']);
      queue.setFloor(Number.POSITIVE_INFINITY);
      await queue.enqueue(jobOf('paused', { priority: MAX_PRIORITY }));
      await sleep(50);
      assert.equal(done.length, 2);
      queue.setFloor(Number.NEGATIVE_INFINITY);
      await queue.onIdle();
      assert.deepEqual([...done].sort(), ['at', 'high', 'low', 'paused']);
    });

    using(
      'counts what waits and runs, delayed jobs among the waiting',
      async (queue) => {
        const release = Promise.withResolvers<void>();
        let hasFailed = false;
        queue.work(
          workerOf(async ({ key }) => {
            if (key === 'failing' && !hasFailed) {
              hasFailed = true;
              throw new Error('by chance');
            }
            await release.promise;
          }),
        );
        await queue.enqueue(jobOf('failing'));
        await eventually(() => hasFailed, 'the failure');
        await queue.enqueue(jobOf('running'));
        await queue.enqueue(jobOf('waiting'));
        await queue.enqueue(jobOf('picture', { kind: 'pictures' }));
        let counts = await queue.counts();
        for (let tries = 0; counts['encode-chunk'].running < 1 && tries < 500; tries++) {
          await sleep(20);
          counts = await queue.counts();
        }
        assert.deepEqual(counts['encode-chunk'], { waiting: 2, running: 1 });
        assert.deepEqual(counts.pictures, { waiting: 1, running: 0 });
        assert.deepEqual(counts.delete, { waiting: 0, running: 0 });
        release.resolve();
      },
      delays(1000),
    );

    using('lets running jobs end when it closes, and starts no other', async (queue) => {
      const done: string[] = [];
      const { promise: started, resolve: onStarted } = Promise.withResolvers<void>();
      const release = Promise.withResolvers<void>();
      queue.work(
        workerOf(async ({ key }) => {
          onStarted();
          await release.promise;
          done.push(key);
        }),
      );
      await queue.enqueue(jobOf('running'));
      await started;
      await queue.enqueue(jobOf('waiting'));
      const closing = queue.close(10_000);
      await sleep(50);
      release.resolve();
      await closing;
      assert.deepEqual(done, ['running']);
      assert.equal(await queue.enqueue(jobOf('late')), false);
      await sleep(100);
      assert.deepEqual(done, ['running']);
    });

    using('cuts off what does not end in time, and calls nothing failed', async (queue) => {
      const failed: string[] = [];
      const { worker, aborted, first } = endlessWork({
        attempts: 1,
        onFailed: async ({ key }) => void failed.push(key),
      });
      queue.work(worker);
      await queue.enqueue(jobOf('a'));
      await first;
      const startedAt = performance.now();
      await queue.close(50);
      assert.ok(performance.now() - startedAt < 15_000, 'soon after the grace');
      assert.deepEqual([aborted, failed], [['a'], []]);
    });

    using('closes in a bounded time although a job is deaf', async (queue) => {
      const release = Promise.withResolvers<void>();
      const { promise: started, resolve: onStarted } = Promise.withResolvers<void>();
      queue.work(
        workerOf(() => {
          onStarted();
          return release.promise;
        }),
      );
      await queue.enqueue(jobOf('a'));
      await started;
      await queue.close(0);
      release.resolve();
    });
  });
}
