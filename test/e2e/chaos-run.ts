/**
 * Several servers and workers on one PostgreSQL and one bucket, while everything that can break does: workers are killed,
 * connections to the database cut, the S3 server stops, and requests to it fail, stall and get lost. Videos are uploaded
 * and watched meanwhile. In the end all of them are ready, to the last frame, nobody got a wrong byte, and no chunk was
 * encoded twice.
 */
import assert from 'node:assert/strict';
import { createHash, randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { startPostgres } from '../fixtures/postgres.ts';
import { makeSource } from '../fixtures/source.ts';
import { type Fault, startFaultyProxy } from '../storage/faulty-proxy.ts';
import { startS3Server } from '../storage/s3-server.ts';
import { looks } from './judge.ts';
import { type ApiVideo, type RealServer, serverFolders, startServer, until } from './real-server.ts';
import { hlsTracks } from './served-tracks.ts';

/** How much of it there is. */
export type Chaos = {
  readonly workers: number;
  /** All uploaded at once. */
  readonly videos: number;
  readonly videoSeconds: number;
  readonly viewers: number;
  /** How long the S3 server is away each time. */
  readonly outageMs: number;
  /** Between two troubles. */
  readonly pauseMs: number;
  /** Troubles go on until every video is ready, and for no longer than this; there are at least {@link TROUBLES}. */
  readonly longestMs: number;
};

/** A worker is killed, connections are cut, the S3 server stops. */
const TROUBLES = 3;
const FRAME_RATE = 15;
/** What is started is there, and what goes on after trouble comes to its end. On a machine that is busy with other tests. */
const READY_MS = 150_000;
const TUS = { 'tus-resumable': '1.0.0' };
/** Of a hundred requests to the bucket. */
const FAULTS: Readonly<Record<Fault, number>> = { error: 2, reset: 1, cut: 1, lost: 1, stall: 0.2 };

/** Runs it, and says in `context` what it came to. */
export async function runChaos(context: TestContext, chaos: Chaos): Promise<void> {
  const { videoSeconds } = chaos;
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
    SLUICE_LOG_LEVEL: 'info',
  };
  const film = join(folders.library, '.film.mp4');
  await makeSource(film, [
    {
      kind: 'video',
      seconds: videoSeconds,
      width: 320,
      height: 180,
      frameRate: { num: FRAME_RATE, den: 1 },
      options: { preset: 'ultrafast' },
    },
    { kind: 'audio', seconds: videoSeconds },
  ]);
  const bytes = await readFile(film);

  await using processes = new AsyncDisposableStack();
  const start = async (command: readonly string[]): Promise<RealServer> =>
    processes.use(await startServer(folders, environment, { command }));
  const servers = await Promise.all([start(['serve', '--no-encode']), start(['serve', '--no-encode'])]);
  /** All that there ever were: their logs tell what they did. */
  const everyWorker: RealServer[] = [];
  const startWorker = async (): Promise<RealServer> => {
    const worker = await start(['worker']);
    everyWorker.push(worker);
    return worker;
  };
  const workers = await Promise.all(Array.from({ length: chaos.workers }, startWorker));

  const over = new AbortController();
  proxy.fault = () => (over.signal.aborted ? undefined : randomFault());
  const limit = AbortSignal.timeout(chaos.longestMs + READY_MS);
  const uploads = Array.from({ length: chaos.videos }, (_, number) =>
    upload(servers, `${number}.mp4`, bytes, limit),
  );
  const seen = new Map<string, Set<string>>();
  const viewers = Array.from({ length: chaos.viewers }, () => watch(servers, seen, over.signal));
  const areReady = async (): Promise<readonly ApiVideo[] | undefined> => {
    const videos = await servers[0]!.videos().catch(() => []);
    for (const { status, error } of videos) assert.notEqual(status, 'failed', JSON.stringify(error));
    return videos.length === chaos.videos && videos.every(({ status }) => status === 'ready')
      ? videos
      : undefined;
  };
  // From its middle on: what is broken before anything has begun proves little.
  await until('something can be watched', READY_MS, () => (seen.size > 0 ? true : undefined));
  const breaking = { workers, startWorker, databaseUrl, s3 };
  const { ready, troubles, brokenMs, recoveryMs } = await (async () => {
    const startedAt = performance.now();
    const count = await breakThings(chaos, breaking, areReady);
    over.abort();
    const endedAt = performance.now();
    await Promise.all([...uploads, ...viewers]);
    const videos = await until('every video is ready', READY_MS, areReady);
    return {
      ready: videos,
      troubles: count,
      brokenMs: endedAt - startedAt,
      recoveryMs: performance.now() - endedAt,
    };
  })().catch(async (error: unknown) => {
    const logs = [...servers, ...everyWorker].map((process) => process.log());
    throw new Error(`${await stateOf(databaseUrl)}\n${warningsIn(logs).join('\n')}`, { cause: error });
  });

  for (const video of ready) {
    const shown = await looks(video.playback.hls!, 'v:0');
    assert.deepEqual(
      shown.map(({ number }) => number),
      Array.from({ length: videoSeconds * FRAME_RATE }, (_, frame) => frame),
      video.source.name,
    );
  }
  for (const [path, hashes] of seen) {
    const stored = await (await fetch(servers[1]!.url + path)).arrayBuffer();
    assert.deepEqual([...hashes], [hashOf(new Uint8Array(stored))], path);
  }
  const { finished, begun } = chunksIn(everyWorker.map((worker) => worker.log()));
  context.diagnostic(
    `${chaos.videos} videos; ${troubles} troubles in ${seconds(brokenMs)}, all ready ${seconds(recoveryMs)} after them; ` +
      `${proxy.seen.length} requests to the bucket; ${seen.size} segments watched; ` +
      `${finished.length} chunks encoded, ${begun - finished.length} more begun and interrupted`,
  );
  assert.ok(finished.length > 0, 'chunks are told of');
  assert.deepEqual(
    finished.filter((chunk, index) => finished.indexOf(chunk) !== index),
    [],
    'no chunk that was finished is encoded again',
  );
}

/** One thing after the other. How many there were. */
async function breakThings(
  { pauseMs, outageMs, longestMs }: Chaos,
  parts: {
    readonly workers: RealServer[];
    readonly startWorker: () => Promise<RealServer>;
    readonly databaseUrl: string;
    readonly s3: { stop(): Promise<void>; start(): Promise<void> };
  },
  areReady: () => Promise<unknown>,
): Promise<number> {
  const { workers, startWorker, databaseUrl, s3 } = parts;
  const end = Date.now() + longestMs;
  const replaced: Promise<void>[] = [];
  let count = 0;
  const troubles = [
    async () => {
      const at = count % workers.length;
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
      await sleep(outageMs);
      await s3.start();
    },
  ];
  for (; count < TROUBLES || (Date.now() < end && (await areReady()) === undefined); count++) {
    await sleep(pauseMs);
    await troubles[count % TROUBLES]!();
  }
  await Promise.all(replaced);
  return count;
}

/** What the workers' logs say of chunks: each that was finished, as often as it was, and how many were begun. */
function chunksIn(logs: readonly string[]): { readonly finished: readonly string[]; readonly begun: number } {
  const lines = logs.flatMap((log) => log.split('\n')).filter((line) => line.includes('"chunk":'));
  const told = lines.map((line) => JSON.parse(line) as { msg: string; chunk: string });
  return {
    finished: told.filter(({ msg }) => msg === 'a chunk was encoded').map(({ chunk }) => chunk),
    begun: told.filter(({ msg }) => msg === 'a chunk is encoded').length,
  };
}

/** The last of what each process complains of. */
function warningsIn(logs: readonly string[]): readonly string[] {
  return logs.flatMap((log) =>
    log
      .split('\n')
      .filter((line) => /"level":[456]0/.test(line))
      .slice(-10),
  );
}

/** For whoever has to find out why a video does not get ready. */
async function stateOf(databaseUrl: string): Promise<string> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  const videos = await client.query(
    `select id, status, (select count(*) from chunks where video_id = videos.id and status = 'waiting') as chunks from videos`,
  );
  const jobs = await client.query(
    `select singleton_key, state, retry_count, start_after - now() as due, now() - heartbeat_on as silent
     from sluice_jobs.job where state <= 'active'`,
  );
  await client.end();
  return `not every video got ready:\n${JSON.stringify(videos.rows)}\n${JSON.stringify(jobs.rows)}`;
}

async function cutConnections(databaseUrl: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  client.on('error', () => {});
  await client.connect();
  await client.query('select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()');
  await client.end().catch(() => {});
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
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

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function any<T>(items: readonly T[]): T {
  return items[randomInt(items.length)]!;
}
