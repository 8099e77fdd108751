/** Programs that people have: tus-js-client and curl. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { until } from '../e2e/real-server.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';
import { filmBytes, type Rig, sha256Of, startRig } from './rig.ts';

const CLIENT = fileURLToPath(new URL('tus-client.ts', import.meta.url));
const FILM = filmBytes(8_000_000);
const run = promisify(execFile);

test('tus-js-client is killed, and another process goes on where it was', async () => {
  await using folder = await temporaryFolder();
  await using rig = await startRig(folder.path);
  const client = await clientFor(folder.path, rig.origin);
  const first = client.start();
  const reached = await until('a part has arrived', 20_000, async () => {
    const bytes = await arrivedBytes(rig);
    return bytes > 1_000_000 ? bytes : undefined;
  });
  first.kill('SIGKILL');
  assert.ok(reached < FILM.length, 'it was killed in the middle');
  const id = await client.finish();
  assert.equal(rig.arrived[0]?.id, id);
  assert.equal(await rig.sha256(id), sha256Of(FILM));
  assert.equal(rig.arrived[0]?.source.name, 'film.mp4');
});

test('tus-js-client goes on after connections that break, and after a restart of the server', async () => {
  await using folder = await temporaryFolder();
  const first = await startRig(folder.path);
  let { origin } = first;
  await using proxy = await breakingProxy(() => origin, 1_500_000);
  const client = await clientFor(folder.path, proxy.origin);
  const finished = client.finish();
  await until('a part has arrived', 20_000, async () => (await arrivedBytes(first)) > 2_000_000 || undefined);
  await first[Symbol.asyncDispose]();
  await using rig = await startRig(folder.path);
  ({ origin } = rig);
  const id = await finished;
  assert.ok(proxy.broken() >= 3, `${proxy.broken()} connections were broken`);
  assert.equal(await rig.sha256(id), sha256Of(FILM));
  assert.equal(rig.arrived.length, 1);
});

test('curl sends a form', async () => {
  await using folder = await temporaryFolder();
  await using rig = await startRig(folder.path);
  const file = join(folder.path, 'it is; "my" film.mp4');
  await writeFile(file, FILM);
  const quoted = file.replaceAll('"', '\\"');
  const { stdout } = await run('curl', [
    '--silent',
    '--fail-with-body',
    '--form',
    `file=@"${quoted}"`,
    '--form',
    'title=Ein Film 🎬',
    '--form',
    'description=a\nb',
    `${rig.origin}/api/v1/videos`,
  ]);
  const video = JSON.parse(stdout);
  assert.equal(video.status, 'inspecting');
  assert.equal(video.title, 'Ein Film 🎬');
  assert.equal(video.description, 'a\nb');
  assert.equal(video.source.bytes, FILM.length);
  assert.equal(await rig.sha256(video.id), sha256Of(FILM));
});

test('curl sends a form whose length it does not know', async () => {
  await using folder = await temporaryFolder();
  await using rig = await startRig(folder.path);
  const file = join(folder.path, 'film.mp4');
  await writeFile(file, FILM);
  const form = ['--header', 'Transfer-Encoding: chunked', '--form', `file=@${file}`];
  const { stdout } = await run('curl', [
    '--silent',
    '--fail-with-body',
    ...form,
    `${rig.origin}/api/v1/videos`,
  ]);
  assert.equal(await rig.sha256(JSON.parse(stdout).id), sha256Of(FILM));
});

test('curl reads why its file was not taken, though it was still sending', async () => {
  await using folder = await temporaryFolder();
  await using rig = await startRig(folder.path);
  const file = join(folder.path, 'film.mp4');
  await writeFile(file, Buffer.alloc(30_000_000, 'not a film '));
  const { stdout } = await run('curl', [
    '--silent',
    '--form',
    `file=@${file}`,
    `${rig.origin}/api/v1/videos`,
  ]);
  assert.equal(JSON.parse(stdout).code, 'source_not_media');
  await rig.assertEmpty();
});

async function clientFor(folder: string, origin: string) {
  const file = join(folder, 'film.mp4');
  await writeFile(file, FILM);
  const memory = join(folder, 'address');
  const start = (): ChildProcess =>
    spawn(process.execPath, [CLIENT, `${origin}/api/v1/uploads/`, file, memory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  return {
    start,
    /** Resolves with the id of the video. */
    async finish(): Promise<string> {
      const child = start();
      let output = '';
      child.stdout?.on('data', (chunk) => (output += String(chunk)));
      const code = await new Promise((resolve) => child.once('close', resolve));
      assert.equal(code, 0);
      return output;
    },
  };
}

async function arrivedBytes(rig: Rig): Promise<number> {
  const [partial] = await Array.fromAsync(rig.partials.list());
  return partial?.bytes ?? 0;
}

/** Passes bytes on to `target()`, and breaks each connection after so many bytes of requests. */
async function breakingProxy(target: () => string, bytesEach: number) {
  let broken = 0;
  const server = createServer((client) => {
    const { hostname, port } = new URL(target());
    const upstream = connect(Number(port), hostname);
    let bytes = 0;
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    client.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes < bytesEach) return;
      broken++;
      end();
    });
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    broken: () => broken,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
