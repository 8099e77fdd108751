import assert from 'node:assert/strict';
import { appendFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FolderWatchOptions, watchFolder } from '../../src/storage/file-system-watch.ts';
import { temporaryFolder } from './temporary-folder.ts';

// Watches only: the poll is far away. A test of the poll says so.
const WATCH_ONLY: FolderWatchOptions = { quietMs: 20, longestWaitMs: 200, pollMs: 3_600_000 };

test('calls after each kind of change, wherever below the folder', async () => {
  await using folder = await temporaryFolder();
  await mkdir(join(folder.path, 'a/b'), { recursive: true });
  using watch = countCalls(folder.path, WATCH_ONLY);
  await watch.settled();
  const changes: Record<string, () => Promise<unknown>> = {
    'a new file': () => writeFile(join(folder.path, 'a/b/x'), 'x'),
    'a longer file': () => appendFile(join(folder.path, 'a/b/x'), 'more'),
    'a new folder': () => mkdir(join(folder.path, 'a/new')),
    'a file in the new folder': () => writeFile(join(folder.path, 'a/new/x'), 'x'),
    'a file moved': () => rename(join(folder.path, 'a/new/x'), join(folder.path, 'a/y')),
    'a folder moved': () => rename(join(folder.path, 'a/b'), join(folder.path, 'b')),
    'a longer file in the moved folder': () => appendFile(join(folder.path, 'b/x'), 'more'),
    'a folder in the place of the moved one': () => mkdir(join(folder.path, 'a/b')),
    'a file in the folder in its place': () => writeFile(join(folder.path, 'a/b/x'), 'x'),
    'a folder deleted': () => rm(join(folder.path, 'a'), { recursive: true }),
  };
  for (const [change, make] of Object.entries(changes)) {
    const before = watch.calls;
    await make();
    await watch.callAfter(before, change);
    await watch.settled();
  }
});

test('whole trees made at once are watched to the bottom', async () => {
  await using folder = await temporaryFolder();
  using watch = countCalls(folder.path, WATCH_ONLY);
  await mkdir(join(folder.path, 'one/two/three/four'), { recursive: true });
  await watch.callAfter(0, 'the tree');
  await watch.settled();
  const before = watch.calls;
  await writeFile(join(folder.path, 'one/two/three/four/x'), 'x');
  await watch.callAfter(before, 'a file at the bottom');
});

test('many changes are few calls, and constant change does not put them off for ever', async () => {
  await using folder = await temporaryFolder();
  using watch = countCalls(folder.path, { quietMs: 100, longestWaitMs: 300, pollMs: 3_600_000 });
  await watch.settled();
  const before = watch.calls;
  const until = Date.now() + 1000;
  while (Date.now() < until) {
    await appendFile(join(folder.path, 'growing'), 'x');
    await sleep(10);
  }
  const during = watch.calls - before;
  // A machine that is busy may make pauses of a tenth of a second.
  assert.ok(during >= 1 && during <= 11, `${during} calls in a second of constant change`);
});

test('calls from time to time, also for a folder that is not there', async () => {
  await using folder = await temporaryFolder();
  using watch = countCalls(join(folder.path, 'not/there/yet'), { quietMs: 1, pollMs: 50 });
  await watch.callAfter(2, 'three polls');
});

test('watches again after the folder was deleted and made again', async () => {
  await using folder = await temporaryFolder();
  const root = join(folder.path, 'root');
  await mkdir(root);
  const pollMs = 2000;
  using watch = countCalls(root, { quietMs: 5, pollMs });
  await watch.settled();
  await rm(root, { recursive: true });
  await mkdir(root);
  await watch.settled();
  await watch.callAfter(watch.calls, 'a poll');
  const polledAt = Date.now();
  const before = watch.calls;
  await writeFile(join(root, 'x'), 'x');
  await watch.callAfter(before, 'a file in the new folder');
  assert.ok(Date.now() - polledAt < 0.8 * pollMs, 'the watch saw it, not the next poll');
});

test('does not call after it was disposed', async () => {
  await using folder = await temporaryFolder();
  const watch = countCalls(folder.path, { quietMs: 30, pollMs: 20 });
  await sleep(50);
  await writeFile(join(folder.path, 'x'), 'x');
  await sleep(5);
  watch[Symbol.dispose]();
  const before = watch.calls;
  await writeFile(join(folder.path, 'y'), 'y');
  await sleep(150);
  assert.equal(watch.calls, before);
});

function countCalls(root: string, options: FolderWatchOptions) {
  const watch = watchFolder(root, options)(() => counter.calls++);
  const counter = {
    calls: 0,
    /** Waits until there were no calls for a while. */
    async settled() {
      for (let last = -1; last !== counter.calls; ) {
        last = counter.calls;
        await sleep(80);
      }
    },
    /** Waits for one more call than `before`. */
    async callAfter(before: number, what: string) {
      const until = Date.now() + 20_000;
      while (counter.calls <= before) {
        assert.ok(Date.now() < until, `no call after ${what}`);
        await sleep(5);
      }
    },
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  };
  return counter;
}
