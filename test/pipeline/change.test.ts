/** A change to the catalog and the jobs that follow from it: both or neither, whatever happens between them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { openPostgresCatalog } from '../../src/catalog/postgres.ts';
import { openSqliteCatalog } from '../../src/catalog/sqlite.ts';
import { openPostgresBroadcast } from '../../src/cluster/postgres-broadcast.ts';
import { EmbeddedJobQueue } from '../../src/jobs/embedded.ts';
import type { JobQueue } from '../../src/jobs/job-queue.ts';
import { openPgBossJobQueue } from '../../src/jobs/pg-boss.ts';
import { changesOf } from '../../src/pipeline/change.ts';
import { openPool } from '../../src/postgres/pool.ts';
import { jobOf, workerOf } from '../contracts/job-queue.contract.ts';
import { bareVideo } from '../contracts/video-repository.contract.ts';
import { postgres, type PostgresServer, startPostgres } from '../fixtures/postgres.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';

const CHILD = fileURLToPath(new URL('./change-child.ts', import.meta.url));

type Process = AsyncDisposable & { readonly catalog: Catalog; readonly jobs: JobQueue };

/** The same for every deployment. */
function testChanges(subject: string, open: () => Promise<Process>): void {
  test(`${subject}: what throws changes nothing and leaves no job`, async () => {
    await using made = await open();
    const video = bareVideo();
    const change = changesOf(
      made.catalog,
      made.jobs,
    )(async ({ videos, enqueue }) => {
      await videos.insert(video);
      enqueue([jobOf('a')]);
      throw new Error('it came to nothing');
    });
    await assert.rejects(change, /came to nothing/);
    assert.equal(await made.catalog.videos.get(video.id), undefined);
    assert.equal((await made.jobs.counts())['encode-chunk'].waiting, 0);
  });

  test(`${subject}: what is changed is there with its jobs`, async () => {
    await using made = await open();
    const video = bareVideo();
    const result = await changesOf(
      made.catalog,
      made.jobs,
    )(async ({ videos, chunks, enqueue }) => {
      await videos.insert(video);
      await chunks.add([{ videoId: video.id, revision: '1', kind: 'video', first: 0, end: 8 }]);
      enqueue([jobOf('a'), jobOf('b', { kind: 'inspect' })]);
      enqueue([jobOf('a')]);
      return 'done';
    });
    assert.equal(result, 'done');
    assert.equal((await made.catalog.videos.get(video.id))?.id, video.id);
    assert.equal(await made.catalog.chunks.countWaiting(video.id, '1'), 1);
    const { inspect, 'encode-chunk': encode } = await made.jobs.counts();
    assert.deepEqual([inspect.waiting, encode.waiting], [1, 1]);
  });
}

testChanges('alone', async () => {
  const folder = await temporaryFolder();
  const catalog = await openSqliteCatalog({ file: join(folder.path, 'a.db'), now: () => new Date() });
  const jobs = new EmbeddedJobQueue({ onError: (_job, error) => assert.fail(String(error)) });
  return {
    catalog,
    jobs,
    async [Symbol.asyncDispose]() {
      await jobs.close(0);
      await catalog.close();
      await folder[Symbol.asyncDispose]();
    },
  };
});

describe('shared', { skip: postgres.skip }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server[Symbol.asyncDispose]());

  testChanges('shared', async () => joinShared(await server.createDatabase()));

  test('another process begins the job within 100 ms, and sees the change', async () => {
    const url = await server.createDatabase();
    await using here = await joinShared(url);
    await using there = await joinShared(url);
    const change = changesOf(here.catalog, here.jobs);
    const begun = new Map<string, PromiseWithResolvers<number>>();
    const unseen: string[] = [];
    there.jobs.work(
      workerOf(async ({ key, videoId }) => {
        begun.get(key)!.resolve(performance.now());
        if ((await there.catalog.videos.get(videoId as never)) === undefined) unseen.push(key);
      }),
    );
    const delays: number[] = [];
    for (let n = 0; n < 15; n++) {
      const began = Promise.withResolvers<number>();
      begun.set(`${n}`, began);
      const video = bareVideo();
      await change(async ({ videos, enqueue }) => {
        await videos.insert(video);
        enqueue([jobOf(`${n}`, { videoId: video.id })]);
      });
      const at = performance.now();
      delays.push((await began.promise) - at);
    }
    await there.jobs.onIdle();
    assert.deepEqual(unseen, []);
    const median = delays.sort((a, b) => a - b)[7]!;
    assert.ok(median < 100, `${median} ms`);
  });

  test('a process that dies between the two leaves neither', async () => {
    const url = await server.createDatabase();
    await using survivor = await joinShared(url);
    const child = spawn(process.execPath, [CHILD, url], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    try {
      await Promise.race([once(child.stdout, 'data'), exited]);
      assert.equal(child.exitCode, null, 'it is in the middle of its change');
    } finally {
      child.kill('SIGKILL');
      await exited;
    }
    assert.deepEqual((await survivor.catalog.videos.list({ limit: 10 })).items, []);
    assert.equal((await survivor.jobs.counts())['encode-chunk'].waiting, 0);
    // Nothing of it is in anybody's way.
    assert.equal(await survivor.jobs.enqueue(jobOf('of the dead')), true);
  });
});

/** What one process of several has. */
async function joinShared(url: string): Promise<Process> {
  const catalog = await openPostgresCatalog({ url, now: () => new Date(), poolSize: 2, onError: ignore });
  const pool = openPool({ url, size: 2, onError: ignore });
  const broadcast = await openPostgresBroadcast({ pool, url, onError: ignore });
  const jobs = await openPgBossJobQueue({ pool, broadcast, onError: ignore });
  return {
    catalog,
    jobs,
    async [Symbol.asyncDispose]() {
      await jobs.close(0);
      await broadcast[Symbol.asyncDispose]();
      await pool.end();
      await catalog.close();
    },
  };
}

function ignore(): void {}
