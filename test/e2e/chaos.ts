/**
 * Two servers and three workers on one PostgreSQL and one bucket, while everything that can break does: workers are
 * killed, connections to the database cut, the S3 server stops, and requests to it fail, stall and get lost. Videos are
 * uploaded and watched meanwhile. In the end all of them are ready, to the last frame, and nobody got a wrong byte.
 *
 * `npm run chaos` does this for ten minutes; SLUICE_CHAOS_SECONDS says how long.
 */
import assert from 'node:assert/strict';
import { createHash, randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { SEGMENTS_PER_CHUNK } from '../../src/media/grid.ts';
import { postgres, startPostgres } from '../fixtures/postgres.ts';
import { makeSource } from '../fixtures/source.ts';
import { type Fault, startFaultyProxy } from '../storage/faulty-proxy.ts';
import { s3ServerSkip, startS3Server } from '../storage/s3-server.ts';
import { looks, skipWithoutFfmpeg } from './judge.ts';
import { type ApiVideo, type RealServer, serverFolders, startServer, until } from './real-server.ts';
import { hlsTracks } from './served-tracks.ts';

const CHAOS_SECONDS = Number(process.env['SLUICE_CHAOS_SECONDS'] ?? 15);
const VIDEOS = Math.max(2, Math.round(CHAOS_SECONDS / 30));
const WORKERS = 3;
const VIEWERS = 2;
const VIDEO_SECONDS = 40;
const FRAME_RATE = 15;
const READY_MS = 180_000;
const TUS = { 'tus-resumable': '1.0.0' };
/** Of a hundred requests to the bucket. */
const FAULTS: Readonly<Record<Fault, number>> = { error: 2, reset: 1, cut: 1, lost: 1, stall: 0.2 };

test('every video gets ready and nobody gets a wrong byte, whatever breaks', {
  skip: postgres.skip || s3ServerSkip() || skipWithoutFfmpeg,
  timeout: (CHAOS_SECONDS + 600) * 1000,
}, async (context) => {
  await using database = await startPostgres();
  const databaseUrl = await database.createDatabase();
  await using s3 = await startS3Server();
  const { credentials } = await s3.bucket('store');
  await using proxy = await startFaultyProxy(s3.endpoint);
  await using folders = await serverFolders();
  const environment = {
    DATABASE_URL: databaseUrl,
    SLUICE_STORE: 's3://store',
    AWS_ENDPOINT_URL_S3: proxy.endpoint,
    AWS_ACCESS_KEY_ID: credentials!.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials!.secretAccessKey,
    SLUICE_ENCODE: 'eager',
    SLUICE_LOG_LEVEL: 'warn',
  };
  const film = join(folders.library, '.film.mp4');
  await makeSource(film, [
    {
      kind: 'video',
      seconds: VIDEO_SECONDS,
      width: 320,
      height: 180,
      frameRate: { num: FRAME_RATE, den: 1 },
      options: { preset: 'ultrafast' },
    },
    { kind: 'audio', seconds: VIDEO_SECONDS },
  ]);
  const bytes = await readFile(film);

  await using processes = new AsyncDisposableStack();
  const start = async (command: readonly string[]): Promise<RealServer> =>
    processes.use(await startServer(folders, environment, { command }));
  const servers = await Promise.all([start(['serve', '--no-encode']), start(['serve', '--no-encode'])]);
  const workers = await Promise.all(Array.from({ length: WORKERS }, () => start(['worker'])));

  const chaos = new AbortController();
  proxy.fault = () => (chaos.signal.aborted ? undefined : randomFault());
  const uploads = Array.from({ length: VIDEOS }, (_, number) =>
    upload(servers, `${number}.mp4`, bytes, AbortSignal.timeout(CHAOS_SECONDS * 1000 + 2 * READY_MS)),
  );
  const seen = new Map<string, Set<string>>();
  const viewers = Array.from({ length: VIEWERS }, () => watch(servers, seen, chaos.signal));
  // From its middle on: what is broken before anything has begun proves little.
  await until('something can be watched', READY_MS, () => (seen.size > 0 ? true : undefined));
  const interruptions = await breakThings(workers, () => start(['worker']), databaseUrl, s3, chaos);
  await Promise.all([...uploads, ...viewers]);

  const ready = await until('every video is ready', READY_MS, async () => {
    const videos = await servers[0]!.videos().catch(() => []);
    for (const { status, error } of videos) assert.notEqual(status, 'failed', JSON.stringify(error));
    return videos.length === VIDEOS && videos.every(({ status }) => status === 'ready') ? videos : undefined;
  });
  for (const video of ready) {
    const shown = await looks(video.playback.hls!, 'v:0');
    assert.deepEqual(
      shown.map(({ number }) => number),
      Array.from({ length: VIDEO_SECONDS * FRAME_RATE }, (_, frame) => frame),
      video.source.name,
    );
  }
  for (const [path, hashes] of seen) {
    const stored = await (await fetch(servers[1]!.url + path)).arrayBuffer();
    assert.deepEqual([...hashes], [hashOf(new Uint8Array(stored))], path);
  }
  assert.ok(
    seen.size > 0 && interruptions >= 3,
    `${seen.size} segments watched, ${interruptions} interruptions`,
  );
  const repeated = puts(proxy.seen);
  context.diagnostic(
    `${VIDEOS} videos, ${proxy.seen.length} requests to the bucket, ${interruptions} interruptions, ` +
      `${seen.size} segments watched, ${repeated} segments written again`,
  );
  // Each takes one chunk of each worker's two kinds of work at most, of sound or of picture; and a lost answer is asked
  // for again.
  const lost = Math.ceil(proxy.seen.length * 0.05);
  assert.ok(
    repeated <= interruptions * WORKERS * 2 * SEGMENTS_PER_CHUNK + lost,
    `${repeated} were written again`,
  );
});

/** One thing after the other, for the time that is set. How many there were. */
async function breakThings(
  workers: RealServer[],
  startWorker: () => Promise<RealServer>,
  databaseUrl: string,
  s3: { stop(): Promise<void>; start(): Promise<void> },
  chaos: AbortController,
): Promise<number> {
  const end = Date.now() + CHAOS_SECONDS * 1000;
  const replaced: Promise<void>[] = [];
  let interruptions = 0;
  const troubles = [
    async () => {
      const at = interruptions % workers.length;
      await workers[at]!.stop('SIGKILL');
      replaced.push(
        // As whatever runs workers does: one that finds no bucket is started again.
        until('a worker is there again', READY_MS, () => startWorker().catch(() => undefined)).then(
          (worker) => void (workers[at] = worker),
        ),
      );
    },
    () => cutConnections(databaseUrl),
    async () => {
      await s3.stop();
      await sleep(3000);
      await s3.start();
    },
  ];
  try {
    for (; Date.now() < end; interruptions++) {
      await sleep(1000);
      await troubles[interruptions % troubles.length]!();
    }
  } finally {
    chaos.abort();
    await Promise.all(replaced);
  }
  return interruptions;
}

async function cutConnections(databaseUrl: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  client.on('error', () => {});
  await client.connect();
  await client.query('select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()');
  await client.end().catch(() => {});
}

/** Sends a file in pieces to whichever server comes next, until all of it is there. */
async function upload(
  servers: readonly RealServer[],
  name: string,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  const pieceBytes = Math.ceil(bytes.length / 4);
  let path: string | undefined;
  for (let turn = 0; ; turn++) {
    signal.throwIfAborted();
    const { url } = servers[turn % servers.length]!;
    try {
      if (path === undefined) {
        path = await createUpload(url, name, bytes.length);
        continue;
      }
      const head = await fetch(url + path, { method: 'HEAD', headers: TUS, signal });
      if (!head.ok) throw new Error(`${head.status}`);
      const offset = Number(head.headers.get('upload-offset'));
      if (offset === bytes.length) return;
      const answer = await fetch(url + path, {
        method: 'PATCH',
        headers: {
          ...TUS,
          'upload-offset': `${offset}`,
          'content-type': 'application/offset+octet-stream',
        },
        body: Buffer.from(bytes.subarray(offset, offset + pieceBytes)),
        signal,
      });
      await answer.body?.cancel();
    } catch {
      // As a client does: wait a little and ask again.
      await sleep(300);
    }
  }
}

async function createUpload(url: string, name: string, bytes: number): Promise<string> {
  const answer = await fetch(`${url}/api/v1/uploads`, {
    method: 'POST',
    headers: { ...TUS, 'upload-length': `${bytes}`, 'upload-metadata': `filename ${btoa(name)}` },
  });
  await answer.body?.cancel();
  if (answer.status !== 201) throw new Error(`${answer.status}`);
  return new URL(answer.headers.get('location')!, url).pathname;
}

/** Jumps about in whatever can be played, and remembers what it got for each address. */
async function watch(
  servers: readonly RealServer[],
  seen: Map<string, Set<string>>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const server = any(servers);
      const playable = (await server.videos()).filter(isPlayable);
      if (playable.length === 0) throw new Error('nothing to watch yet');
      const track = any(await hlsTracks(any(playable).playback.hls!));
      const { pathname } = new URL(any(track.segments).url);
      const answer = await fetch(server.url + pathname, { signal });
      const bytes = await answer.bytes();
      if (answer.ok) seen.set(pathname, (seen.get(pathname) ?? new Set()).add(hashOf(bytes)));
    } catch {
      await sleep(200);
    }
  }
}

function isPlayable({ status }: ApiVideo): boolean {
  return status === 'playable' || status === 'ready';
}

function randomFault(): Fault | undefined {
  let dice = randomInt(10_000) / 100;
  for (const [fault, percent] of Object.entries(FAULTS)) {
    if (dice < percent) return fault as Fault;
    dice -= percent;
  }
  return undefined;
}

/** How many segments were written more than once. */
function puts(requests: readonly { readonly method: string; readonly path: string }[]): number {
  const counts = new Map<string, number>();
  for (const { method, path } of requests) {
    if (method === 'PUT' && path.endsWith('.m4s')) counts.set(path, (counts.get(path) ?? 0) + 1);
  }
  return [...counts.values()].reduce((sum, count) => sum + count - 1, 0);
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function any<T>(items: readonly T[]): T {
  return items[randomInt(items.length)]!;
}
