/**
 * The server is killed again and again, at random moments of an upload, its inspection and its encoding. Nothing
 * that was acknowledged may be lost, nothing that was finished done again. SLUICE_CRASH_ROUNDS sets the rounds.
 */
import assert from 'node:assert/strict';
import { createHash, randomInt } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { frameTimes, skipWithoutFfmpeg } from './judge.ts';
import {
  descendantsOf,
  isRunning,
  type RealServer,
  SAMPLE,
  serverFolders,
  startServer,
  until,
} from './real-server.ts';
import { objectsFolder } from './shared-deployment.ts';

const ROUNDS = Number(process.env['SLUICE_CRASH_ROUNDS'] ?? 6);
/** Small pieces, so that most kills of the first rounds hit the middle of the upload. */
const PIECE_BYTES = 64 * 1024;
const READY_MS = 240_000;
const SAMPLE_FRAMES = 720;
/** A child ends with its current frame, and on a busy machine background work gets to that late. */
const ORPHAN_MS = 20_000;
const TUS = { 'tus-resumable': '1.0.0' };

type Client = { location: string | undefined; videoId: string | undefined; acknowledged: number };

test('what was acknowledged survives every crash, and what was finished is not done again', {
  skip: skipWithoutFfmpeg,
  timeout: 900_000,
}, async () => {
  const bytes = await readFile(SAMPLE);
  await using folders = await serverFolders();
  const objects = await objectsFolder(folders.data);
  const client: Client = { location: undefined, videoId: undefined, acknowledged: 0 };
  let finished: ReadonlyMap<string, number> = new Map();

  for (let round = 0; round < ROUNDS; round++) {
    await using server = await startServer(folders, { SLUICE_ENCODE: 'eager' });
    assertUnchanged(objects, finished);
    const killed = new AbortController();
    const work = upload(server, client, bytes, killed.signal).catch(() => {});
    // The first rounds fall into the upload, the later ones into inspection and encoding.
    await new Promise((resolve) => setTimeout(resolve, randomInt(100, round < ROUNDS / 3 ? 700 : 4000)));
    const children = server.pids.flatMap(descendantsOf);
    await server.stop('SIGKILL');
    killed.abort();
    await until(
      'the children of a killed server have ended',
      ORPHAN_MS,
      () => !children.some(isRunning) || undefined,
    );
    await work;
    finished = storedSegments(objects);
  }

  await using server = await startServer(folders, { SLUICE_ENCODE: 'eager' });
  assertUnchanged(objects, finished);
  await upload(server, client, bytes, AbortSignal.timeout(READY_MS));
  const video = await until('every segment is stored', READY_MS, async () => {
    const answer = await fetch(`${server.url}/api/v1/videos/${client.videoId}`);
    const now = (await answer.json()) as { status: string; error?: unknown; playback: { hls: string } };
    assert.notEqual(now.status, 'failed', JSON.stringify(now.error));
    return now.status === 'ready' ? now : undefined;
  });
  assertUnchanged(objects, finished);
  assert.equal(sha256(await readFile(join(objects, 'sources', client.videoId!))), sha256(bytes));
  for (const rung of ['v720p', 'v240p']) {
    const playlist = new URL(`${rung}.m3u8`, video.playback.hls).href;
    assert.equal((await frameTimes(playlist, 'v:0')).length, SAMPLE_FRAMES, rung);
  }
});

/** Goes on with the upload from where the server says that it stands. */
async function upload(
  server: RealServer,
  client: Client,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  if (client.location === undefined) {
    const created = await fetch(`${server.url}/api/v1/uploads`, {
      method: 'POST',
      signal,
      headers: {
        ...TUS,
        'upload-length': String(bytes.length),
        'upload-metadata': `filename ${btoa('crash.mp4')}`,
      },
    });
    assert.equal(created.status, 201);
    client.location = new URL(created.headers.get('location')!, server.url).pathname;
    client.videoId = created.headers.get('sluice-video-id')!;
  }
  const url = new URL(client.location, server.url);
  const head = await fetch(url, { method: 'HEAD', headers: TUS, signal });
  assert.equal(head.status, 200);
  let offset = Number(head.headers.get('upload-offset'));
  assert.ok(
    offset >= client.acknowledged,
    `${client.acknowledged} bytes were acknowledged, ${offset} are there`,
  );
  while (offset < bytes.length) {
    const answer = await fetch(url, {
      method: 'PATCH',
      signal,
      headers: { ...TUS, 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' },
      body: bytes.slice(offset, offset + PIECE_BYTES),
    });
    assert.equal(answer.status, 204);
    offset = Number(answer.headers.get('upload-offset'));
    client.acknowledged = offset;
  }
}

/** Path and inode of every finished segment: writing it again would give it another. */
function storedSegments(folder: string): ReadonlyMap<string, number> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.m4s'));
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.map((path) => [path, statSync(path).ino]));
}

function assertUnchanged(folder: string, finished: ReadonlyMap<string, number>): void {
  const now = storedSegments(folder);
  for (const [path, inode] of finished)
    assert.equal(now.get(path), inode, `${path} was lost or written again`);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
