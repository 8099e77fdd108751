import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../fast-check.ts';
import { EmbeddedJobQueue } from '../../src/jobs/embedded.ts';
import { retryDelayMs } from '../../src/jobs/retry-delay.ts';
import { jobOf, testJobQueue, workerOf } from '../contracts/job-queue.contract.ts';

testJobQueue('the embedded queue', 1, async (retryDelays) => {
  const queue = new EmbeddedJobQueue({
    retryDelays,
    onError: (job, error) => assert.fail(`${job.key}: ${String(error)}`),
  });
  return { queue, [Symbol.asyncDispose]: () => queue.close(0) };
});

test('a worker that fails to say that it failed is reported, and holds up nothing', async () => {
  const reported: unknown[] = [];
  const failure = new Error('the catalog does not answer');
  const queue = new EmbeddedJobQueue({ onError: (job, error) => void reported.push([job.key, error]) });
  const done: string[] = [];
  queue.work(
    workerOf(
      async ({ key }) => {
        if (key === 'a') throw new Error('it broke');
        done.push(key);
      },
      {
        attempts: 1,
        onFailed: async () => {
          throw failure;
        },
      },
    ),
  );
  await queue.enqueue(jobOf('a'));
  await queue.enqueue(jobOf('b'));
  await queue.onIdle();
  assert.deepEqual([reported, done], [[['a', failure]], ['b']]);
});

test('what is enqueued in one go is looked at together', async () => {
  const done: string[] = [];
  const queue = new EmbeddedJobQueue({ onError: () => assert.fail() });
  queue.work(workerOf(async ({ key }) => void done.push(key)));
  void queue.enqueue(jobOf('low'));
  void queue.enqueue(jobOf('high', { priority: 1 }));
  assert.deepEqual(done, [], 'no handler runs inside enqueue');
  await queue.onIdle();
  assert.deepEqual(done, ['high', 'low']);
});

test('a retry waits at least half, at most the whole of a delay that doubles up to its limit', () => {
  const milliseconds = fc.integer({ min: 1, max: 100_000 });
  fc.assert(
    fc.property(milliseconds, milliseconds, fc.integer({ min: 1, max: 100 }), (first, max, attempt) => {
      const whole = Math.min(max, first * 2 ** (attempt - 1));
      const delay = retryDelayMs({ firstDelayMs: first, maxDelayMs: max }, attempt);
      assert.ok(delay >= whole / 2 && delay <= whole, `${delay} of ${whole}`);
    }),
  );
  const delay = { firstDelayMs: 1000, maxDelayMs: 1000 };
  const delays = new Set(Array.from({ length: 20 }, () => retryDelayMs(delay, 1)));
  assert.ok(delays.size > 1, 'by chance');
});

test('many jobs of many videos are done in good time', async () => {
  let done = 0;
  const queue = new EmbeddedJobQueue({ onError: () => assert.fail() });
  for (let n = 0; n < 20_000; n++) void queue.enqueue(jobOf(`${n}`, { videoId: `vid_${n % 200}` }));
  queue.work(workerOf(async () => void done++, { concurrency: 8 }));
  await queue.onIdle();
  assert.equal(done, 20_000);
});
