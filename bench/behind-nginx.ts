/**
 * The nginx.conf of examples/compose in front of two servers that do not encode, a worker and PostgreSQL, on this machine.
 * Fails where an upload is held up, a broken one loses what had arrived, viewers who come together are not served by one
 * request, ranges out of the cache are wrong, events wait, or a server that ends is noticed. Needs nginx.
 *
 *   node bench/behind-nginx.ts
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { frameTimes } from '../test/e2e/judge.ts';
import { serverFolders, startServer, until } from '../test/e2e/real-server.ts';
import { fetchAll, hlsTracks } from '../test/e2e/served-tracks.ts';
import { startPostgres } from '../test/fixtures/postgres.ts';
import { makeSource } from '../test/fixtures/source.ts';
import { freePort } from '../test/free-port.ts';
import { openEvents } from '../test/server/event-reader.ts';
import { temporaryFolder } from '../test/storage/temporary-folder.ts';

const CONFIGURATION = fileURLToPath(new URL('../examples/compose/nginx.conf', import.meta.url));
const WAIT_MS = 120_000;
const VIEWERS = 30;
const SECONDS = 24;
const TUS = { 'Tus-Resumable': '1.0.0' };

const port = await freePort();
const front = `http://127.0.0.1:${port}`;
await using database = await startPostgres();
await using folders = await serverFolders();
const film = join(folders.library, 'film.mp4');
const size = { width: 320, height: 180, frameRate: { num: 15, den: 1 } };
await makeSource(film, [
  { kind: 'video', seconds: SECONDS, ...size, options: { preset: 'ultrafast' } },
  { kind: 'audio', seconds: SECONDS },
]);
const environment = {
  DATABASE_URL: await database.createDatabase(),
  SLUICE_ENCODE: 'eager',
  SLUICE_LOG_LEVEL: 'warn',
  SLUICE_PUBLIC_URL: front,
};
const serving = { command: ['serve', '--no-encode'] };
await using one = await startServer(folders, environment, serving);
await using two = await startServer(folders, environment, serving);
await using worker = await startServer(folders, environment, { command: ['worker'] });
await using scratch = await temporaryFolder();
await using nginx = await startNginx(scratch.path, [one.url, two.url]);
console.log(`nginx ${nginx.pid} in front of ${one.url} and ${two.url}, worker ${worker.pid}`);

const listed = await one.video(basename(film));
const tracks = await hlsTracks(listed.playback.hls!);
const segment = tracks[0]!.segments.at(-1)!.url;
assert.ok(segment.startsWith(front));
await crowd(segment);
await ranges(segment);
await uploads();
await fetchAll(tracks);
const frames = await frameTimes(listed.playback.hls!, 'v:0');
assert.equal(frames.length, Math.round(listed.durationSeconds! * listed.frameRate!));
console.log(`all ${frames.length} frames play`);
await ending();

/** Nobody has encoded it yet, and all ask at once. */
async function crowd(url: string): Promise<void> {
  // A busy machine may take longer than a request waits: then each asks again, as players do.
  let refused = 0;
  const ask = (): Promise<{ readonly cache: string | null; readonly body: Buffer }> =>
    until('a viewer has it', WAIT_MS, async () => {
      const answer = await fetch(url);
      const body = Buffer.from(await answer.arrayBuffer());
      if (answer.status === 503) return void refused++;
      assert.equal(answer.status, 200);
      return { cache: answer.headers.get('X-Cache'), body };
    });
  const answers = await Promise.all(Array.from({ length: VIEWERS }, ask));
  const misses = answers.filter(({ cache }) => cache !== 'HIT').length;
  assert.ok(answers.every(({ body }) => body.equals(answers[0]!.body)));
  assert.equal(misses, 1);
  console.log(
    `${VIEWERS} viewers of a segment that nobody has encoded: ${misses} of them reached a server, ${refused} asked again`,
  );
}

async function ranges(url: string): Promise<void> {
  const whole = Buffer.from(await (await fetch(url)).arrayBuffer());
  for (const [range, part] of [
    ['bytes=0-99', whole.subarray(0, 100)],
    ['bytes=100-', whole.subarray(100)],
    ['bytes=-7', whole.subarray(-7)],
  ] as const) {
    const answer = await fetch(url, { headers: { Range: range } });
    assert.equal(answer.status, 206);
    assert.equal(answer.headers.get('X-Cache'), 'HIT');
    assert.ok(Buffer.from(await answer.arrayBuffer()).equals(part), range);
  }
  const etag = (await fetch(url)).headers.get('ETag')!;
  assert.equal((await fetch(url, { headers: { 'If-None-Match': etag } })).status, 304);
  console.log('ranges and conditions are answered out of the cache');
}

/** One is broken off in the middle of a request and gone on with, while somebody listens. */
async function uploads(): Promise<void> {
  await using events = await openEvents(`${front}/api/v1/events`, WAIT_MS);
  const bytes = await readFile(film);
  const metadata = `filename ${btoa('up.mp4')}`;
  const headers = { ...TUS, 'Upload-Length': `${bytes.length}`, 'Upload-Metadata': metadata };
  const created = await fetch(`${front}/api/v1/uploads`, { method: 'POST', headers });
  assert.equal(created.status, 201);
  const url = created.headers.get('Location')!;
  const id = created.headers.get('Sluice-Video-Id')!;
  const half = Math.floor(bytes.length / 2);
  const body = { ...TUS, 'Content-Type': 'application/offset+octet-stream' };
  const patch = request(url, {
    method: 'PATCH',
    headers: { ...body, 'Upload-Offset': '0', 'Content-Length': bytes.length },
  });
  patch.on('error', () => {});
  patch.write(bytes.subarray(0, half));
  await new Promise((resolve) => setTimeout(resolve, 2000));
  patch.destroy();
  const offset = await until('what had arrived is counted', WAIT_MS, async () => {
    const head = await fetch(url, { method: 'HEAD', headers: TUS });
    return Number(head.headers.get('Upload-Offset')) || undefined;
  });
  assert.equal(offset, half);
  const rest = await fetch(url, {
    method: 'PATCH',
    headers: { ...body, 'Upload-Offset': `${offset}` },
    body: new Uint8Array(bytes.subarray(offset)),
  });
  assert.equal(rest.status, 204);
  for (let status = ''; status !== 'ready'; ) {
    const { data } = await events.until('video');
    if (data.id === id) status = data.status;
  }
  console.log('an upload was broken off, kept its half, went on, and its events came through');
}

/** Viewers notice nothing of a server that is updated. */
async function ending(): Promise<void> {
  const stopped = two.stop('SIGTERM');
  let count = 0;
  for (let isOver = false; !isOver; count++) {
    isOver = await Promise.race([stopped.then(() => true), fetchPlaylist().then(() => false)]);
  }
  for (let more = 0; more < 20; more++) await fetchPlaylist();
  console.log(`a server was stopped; ${count + 20} requests meanwhile and after were answered well`);
}

async function fetchPlaylist(): Promise<void> {
  const answer = await fetch(listed.playback.hls!);
  assert.equal(answer.status, 200);
  await answer.arrayBuffer();
}

async function startNginx(folder: string, servers: readonly string[]) {
  const original = await readFile(CONFIGURATION, 'utf8');
  const places = servers.map((url) => `server ${new URL(url).host} max_fails=2 fail_timeout=5s;`);
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const adapted = original
    .replace(/server server:8080 [^;]*;/, places.join('\n'))
    .replace('listen 80;', `listen 127.0.0.1:${port};`)
    .replace('/var/cache/nginx', join(folder, 'cache'))
    .replace('http {', `http {\n${kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join('\n')}`);
  await mkdir(join(folder, 'cache'));
  const file = join(folder, 'nginx.conf');
  await writeFile(
    file,
    `${process.getuid?.() === 0 ? 'user root;\n' : ''}daemon off;\npid ${folder}/pid;\nerror_log stderr;\n${adapted}`,
  );
  const child = spawn('nginx', ['-p', folder, '-e', 'stderr', '-c', file], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  await until('nginx answers', WAIT_MS, async () =>
    (await fetch(`${front}/healthz`).catch(() => undefined))?.ok ? true : undefined,
  );
  return {
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}
