/**
 * One Sluice of several processes: two servers that do not encode, and workers, with PostgreSQL and one folder between
 * them. What a viewer or an uploader sees does not depend on which of them answers, or on which of them dies.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { Client } from 'pg';
import { postgres, type PostgresServer, startPostgres } from '../fixtures/postgres.ts';
import { makeSource } from '../fixtures/source.ts';
import { openEvents } from '../server/event-reader.ts';
import { crowd } from './crowd.ts';
import { type RealServer, type ServerFolders, serverFolders, startServer, until } from './real-server.ts';

const WAIT_MS = 90_000;
const TUS = { 'tus-resumable': '1.0.0' };
const SEGMENTS = 6;
const VIEWERS = 1000;

describe('a Sluice of several processes', { skip: postgres.skip, timeout: 600_000 }, () => {
  let database: PostgresServer;
  let databaseUrl: string;
  let folders: ServerFolders;
  let environment: Readonly<Record<string, string>>;
  let servers: readonly RealServer[];
  let worker: RealServer;
  let source: Buffer<ArrayBuffer>;

  before(async () => {
    database = await startPostgres();
    databaseUrl = await database.createDatabase();
    folders = await serverFolders();
    const path = join(folders.library, 'film.mp4');
    const seconds = 4 * SEGMENTS;
    await makeSource(path, [
      {
        kind: 'video',
        seconds,
        width: 320,
        height: 180,
        frameRate: { num: 15, den: 1 },
        options: { preset: 'ultrafast' },
      },
      { kind: 'audio', seconds },
    ]);
    source = await readFile(path);
    environment = { DATABASE_URL: databaseUrl, SLUICE_ENCODE: 'eager', SLUICE_LOG_LEVEL: 'warn' };
    const serving = { command: ['serve', '--no-encode'] };
    // At once, with an empty database.
    const [one, two, working] = await Promise.all([
      startServer(folders, environment, serving),
      startServer(folders, environment, serving),
      startWorker(),
    ]);
    servers = [one, two];
    worker = working;
  });
  after(async () => {
    for (const process of [...(servers ?? []), worker]) await process?.[Symbol.asyncDispose]();
    await folders?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  const startWorker = (): Promise<RealServer> => startServer(folders, environment, { command: ['worker'] });
  const [first, second] = [() => servers[0]!, () => servers[1]!];

  test('a segment asked of several servers is encoded once, and reaches all who wait', async () => {
    const media = await mediaOf(first(), 'film.mp4');
    const path = `${media}/v180p/3.m4s`;
    // A machine that is very busy may answer with the advice to ask again.
    const ask = (server: RealServer): Promise<Response> =>
      until('the segment is made', WAIT_MS, async () => {
        const answer = await fetch(server.url + path);
        return answer.status === 503 ? undefined : answer;
      });
    const answers = await Promise.all([first(), second(), first(), second()].map(ask));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 200],
    );
    const bodies = await Promise.all(answers.map(async (answer) => Buffer.from(await answer.arrayBuffer())));
    assert.ok(bodies[0]!.length > 1000);
    for (const body of bodies) assert.ok(body.equals(bodies[0]!));
    const jobs = await query(
      databaseUrl,
      `select 1 from sluice_jobs.job where singleton_key like '%/v180p/3'`,
    );
    // One may come too late, and then finds it made.
    assert.ok(jobs.length >= 1 && jobs.length < answers.length, `${jobs.length} jobs`);
  });

  test('a worker says that it lives, that it can work, and what it counts, and nothing else', async () => {
    for (const path of ['/healthz', '/readyz']) {
      const answer = await fetch(worker!.url + path);
      assert.equal(answer.status, 200, path);
    }
    const metrics = await (await fetch(`${worker!.url}/metrics`)).text();
    const encoded = /^sluice_segments_encoded_total\{cause="viewer"\} (\d+)$/m.exec(metrics);
    assert.ok(Number(encoded?.[1]) > 0, metrics);
    for (const path of ['/', '/api/v1/videos', '/v/a/hls/main.m3u8']) {
      const answer = await fetch(worker!.url + path);
      assert.equal(answer.status, 404, path);
    }
    const other = await fetch(`${worker!.url}/healthz`, { method: 'POST' });
    assert.equal(other.status, 405);
  });

  test('the worker goes on ahead of whoever watches, and each server knows how far it is', async () => {
    const media = await mediaOf(second(), 'film.mp4');
    const { id } = await second().video('film.mp4');
    for (const server of servers) {
      await until('what follows is stored', WAIT_MS, async () => {
        // Still watched, however slow the machine is.
        await (await fetch(`${second().url}${media}/v180p/0.m4s`)).arrayBuffer();
        const { tracks } = (await getJson(`${server.url}/api/v1/videos/${id}/segments`)) as {
          tracks: Record<string, { states: string }>;
        };
        return tracks['v180p']?.states === `s${SEGMENTS}` || undefined;
      });
    }
  });

  test('a thousand viewers who wait for a segment cost the database what one costs', async (context) => {
    const media = await mediaOf(first(), 'film.mp4');
    const waiting = servers.map((server) => `${server.url}${media}/a1/5.m4s`);
    const urls = Array.from({ length: VIEWERS }, (_, viewer) => waiting[viewer % waiting.length]!);
    const statements = await database.statementsDuring(async () => {
      // Nobody makes it before all have asked for it.
      process.kill(worker.pid, 'SIGSTOP');
      try {
        const { asked, answers } = crowd(urls);
        await asked;
        process.kill(worker.pid, 'SIGCONT');
        assert.deepEqual(await answers, { 200: VIEWERS });
      } finally {
        process.kill(worker.pid, 'SIGCONT');
      }
    });
    const jobs = await query(databaseUrl, `select 1 from sluice_jobs.job where singleton_key like '%/a1/5%'`);
    assert.ok(jobs.length > 0, 'nobody had to wait');
    assertFew(statements, context);
  });

  test('a thousand viewers of stored segments cost the database nothing', async (context) => {
    const media = await mediaOf(first(), 'film.mp4');
    for (let index = 0; index < SEGMENTS; index++)
      await until(`segment ${index} is stored`, WAIT_MS, async () =>
        (await fetch(`${first().url}${media}/v180p/${index}.m4s`)).ok ? true : undefined,
      );
    const statements = await database.statementsDuring(async () => {
      assert.deepEqual(await crowd(audience(media, servers)).answers, { 200: VIEWERS });
    });
    assert.deepEqual(statements.filter(isAboutOneVideo), []);
    assertFew(statements, context);
    const redirect = { SLUICE_MEDIA_REDIRECT: 'https://cdn.example/films' };
    await using redirecting = await startServer(
      folders,
      { ...environment, ...redirect },
      { command: ['serve', '--no-encode'] },
    );
    const redirects = await database.statementsDuring(async () => {
      assert.deepEqual(await crowd(audience(media, [redirecting])).answers, { 307: VIEWERS });
    });
    assert.ok(redirects.filter(isAboutOneVideo).length < 10, `${redirects.filter(isAboutOneVideo).length}`);
    assertFew(redirects, context);
  });

  test('stored segments are served without the database', async () => {
    const media = await mediaOf(first(), 'film.mp4');
    await database.kill();
    try {
      assert.deepEqual(await crowd(audience(media, servers)).answers, { 200: VIEWERS });
      const refused = await fetch(`${first().url}/api/v1/videos`);
      assert.equal(refused.status, 503);
      assert.ok(Number(refused.headers.get('retry-after')) > 0);
      assert.equal((await fetch(`${first().url}/readyz`)).status, 503);
      assert.equal((await fetch(`${first().url}/healthz`)).status, 200);
    } finally {
      await database.start();
    }
    for (const server of servers) {
      await until('it is ready again', WAIT_MS, async () =>
        (await fetch(`${server.url}/readyz`)).ok ? true : undefined,
      );
      // Made after the outage: worker, queue and messages have come back too.
      await until('a segment is made', WAIT_MS, async () =>
        (await fetch(`${server.url}${media}/a1/${servers.indexOf(server)}.m4s`)).ok ? true : undefined,
      );
    }
  });

  test('an upload goes through several servers, is encoded by a worker, and every server tells of it', async () => {
    await using events = await openEvents(`${second().url}/api/v1/events`, WAIT_MS);
    const half = Math.floor(source.length / 2);
    const created = await fetch(`${first().url}/api/v1/uploads`, {
      method: 'POST',
      headers: {
        ...TUS,
        'upload-length': `${source.length}`,
        'upload-metadata': `filename ${btoa('up.mp4')}`,
      },
    });
    assert.equal(created.status, 201);
    const path = new URL(created.headers.get('location')!, first().url).pathname;
    const id = created.headers.get('sluice-video-id')!;
    assert.equal((await patch(second(), path, 0, source.subarray(0, half))).status, 204);
    const head = await fetch(first().url + path, { method: 'HEAD', headers: TUS });
    assert.equal(head.headers.get('upload-offset'), `${half}`);
    // Two at the same time: one of them is the writer.
    const rest = source.subarray(half);
    const both = await Promise.all(servers.map((server) => patch(server, path, half, rest)));
    const statuses = both.map(({ status }) => status).sort();
    assert.equal(statuses[0], 204, `${statuses}`);
    assert.ok(statuses[1]! >= 400, `${statuses}`);
    const ready = await readyVideo(first(), id);
    assert.equal(ready.encodedFraction, 1);
    for (let told = ''; told !== 'ready'; ) {
      const { data } = await events.until('video');
      if (data.id === id) told = data.status;
    }
    const media = await mediaOf(second(), 'up.mp4');
    const deleted = await fetch(`${first().url}/api/v1/videos/${id}`, { method: 'DELETE' });
    assert.equal(deleted.status, 204);
    for (const gone of [`/api/v1/videos/${id}`, `${media}/v180p/0.m4s`, `${media}/v180p/init.mp4`])
      await until(`${gone} is gone everywhere`, 2000, async () =>
        (await fetch(second().url + gone)).status === 404 ? true : undefined,
      );
    await until(
      'nothing of it is left',
      WAIT_MS,
      () => storedBelow(folders.data, id).length === 0 || undefined,
    );
  });

  test('what a worker that is killed was doing is done by another, and what was stored stays', async () => {
    const form = new FormData();
    form.set('file', new Blob([source]), 'taken over.mp4');
    const created = await fetch(`${first().url}/api/v1/videos`, { method: 'POST', body: form });
    const { id } = (await created.json()) as { id: string };
    await until('it has begun', WAIT_MS, () => storedBelow(folders.data, id).length > 0 || undefined);
    await worker.stop('SIGKILL');
    const kept = await times(storedBelow(folders.data, id));
    worker = await startWorker();
    const ready = await readyVideo(second(), id);
    assert.equal(ready.status, 'ready');
    for (const [path, time] of kept) assert.equal((await stat(path)).mtimeMs, time, `${path} was made again`);
  });

  test('a server that is asked to stop says so first, answers whoever comes meanwhile, and ends', async () => {
    const stopping = await startServer(folders, environment, { command: ['serve', '--no-encode'] });
    const media = await mediaOf(stopping, 'film.mp4');
    const stopped = stopping.stop('SIGTERM');
    let answered = 0;
    await until('it says that it stops', WAIT_MS, async () =>
      (await fetch(`${stopping.url}/readyz`)).status === 503 ? true : undefined,
    );
    for (const end = Date.now() + 1000; Date.now() < end; answered++) {
      const answer = await fetch(`${stopping.url}${media}/v180p/${answered % SEGMENTS}.m4s`);
      assert.equal(answer.status, 200);
      await answer.body?.cancel();
    }
    assert.ok(answered > 0);
    assert.equal(await stopped, 0);
    const codes = await Promise.all([...servers, worker].map((each) => each.stop('SIGTERM')));
    assert.deepEqual(codes, [0, 0, 0]);
  });
});

/** Each asks one of the servers for one segment of the picture. */
function audience(media: string, from: readonly RealServer[]): readonly string[] {
  return Array.from(
    { length: VIEWERS },
    (_, viewer) => `${from[viewer % from.length]!.url}${media}/v180p/${viewer % SEGMENTS}.m4s`,
  );
}

/** What is read of the catalog for one video. */
function isAboutOneVideo(statement: string): boolean {
  return /from "videos" where "id" = /.test(statement);
}

/** Processes that have nothing to do say some things too; none of it is said for each viewer. */
function assertFew(statements: readonly string[], context: TestContext): void {
  assert.ok(statements.length > 0, 'nothing was counted');
  const counts = new Map<string, number>();
  for (const text of statements) counts.set(text, (counts.get(text) ?? 0) + 1);
  const asked = statements.filter(isAboutOneVideo).length;
  context.diagnostic(`${statements.length} statements by all processes, ${asked} of them for one video`);
  const [most, count] = [...counts].sort(([, a], [, b]) => b - a)[0]!;
  assert.ok(
    statements.length < VIEWERS / 2 && count < VIEWERS / 10,
    `${statements.length}, ${count} of: ${most}`,
  );
}

/** Where the tracks of a video lie, below any server. */
async function mediaOf(server: RealServer, sourceName: string): Promise<string> {
  const found = await until(`${sourceName} is listed`, WAIT_MS, async () => {
    const videos = await server.videos();
    return videos.find(({ source, status }) => source.name === sourceName && status !== 'inspecting');
  });
  const mpd = await (await fetch(found.playback.dash!)).text();
  return `/v/${found.id}/cmaf/${/cmaf\/([0-9a-f]+)\//.exec(mpd)![1]}`;
}

function readyVideo(server: RealServer, id: string): Promise<{ status: string; encodedFraction: number }> {
  return until(`${id} is ready`, WAIT_MS, async () => {
    const video = (await getJson(`${server.url}/api/v1/videos/${id}`)) as {
      status: string;
      encodedFraction: number;
    };
    assert.notEqual(video.status, 'failed', JSON.stringify(video));
    return video.status === 'ready' ? video : undefined;
  });
}

function patch(
  server: RealServer,
  path: string,
  offset: number,
  bytes: Buffer<ArrayBuffer>,
): Promise<Response> {
  const headers = { ...TUS, 'upload-offset': `${offset}`, 'content-type': 'application/offset+octet-stream' };
  return fetch(server.url + path, { method: 'PATCH', headers, body: new Blob([bytes]) });
}

async function getJson(url: string): Promise<unknown> {
  return (await fetch(url)).json();
}

/** The finished segments of a video. */
function storedBelow(data: string, videoId: string): readonly string[] {
  return readdirSync(data, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.m4s') && entry.parentPath.includes(videoId))
    .map((entry) => join(entry.parentPath, entry.name));
}

async function times(paths: readonly string[]): Promise<readonly (readonly [string, number])[]> {
  return Promise.all(paths.map(async (path) => [path, (await stat(path)).mtimeMs] as const));
}

async function query(url: string, text: string): Promise<readonly unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query(text);
  await client.end();
  return rows;
}
