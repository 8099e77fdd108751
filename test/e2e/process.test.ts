/** The processes of a server: children end with it, a dead child is replaced, nobody works for viewers who left. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { skipWithoutFfmpeg } from './judge.ts';
import { descendantsOf, type RealServer, SAMPLE, serverFolders, startServer, until } from './real-server.ts';

const STOP_MS = 5000;
/** A child ends with its current frame: on a busy machine that is not at once. */
const GONE_MS = 20_000;
const SETTLE_MS = 30_000;
const options = { skip: skipWithoutFfmpeg, timeout: 120_000 };

test(
  'SIGTERM ends the server and every child within five seconds, in the middle of encoding',
  options,
  async () => {
    await using folders = await serverFolders([SAMPLE]);
    await using server = await startServer(folders);
    const base = await mediaBase(server);
    const requests = [0, 2, 4].map((index) => fetch(`${base}/v720p/${index}.m4s`).catch(() => undefined));
    await childrenAtWork(server);
    const children = descendantsOf(server.pid);
    const start = performance.now();
    await server.stop('SIGTERM');
    const seconds = (performance.now() - start) / 1000;
    assert.ok(seconds * 1000 < STOP_MS, `it took ${seconds} s`);
    assert.deepEqual(children.filter(isRunning), []);
    await Promise.all(requests);
  },
);

test('SIGKILL leaves no child that runs on, and no half segment', options, async () => {
  await using folders = await serverFolders([SAMPLE]);
  const whole = await segmentsOf(folders, [0, 1, 2, 3, 4, 5]);
  await using other = await serverFolders([SAMPLE]);
  {
    await using server = await startServer(other);
    const base = await mediaBase(server);
    const requests = [0, 2, 4].map((index) => fetch(`${base}/v720p/${index}.m4s`).catch(() => undefined));
    await childrenAtWork(server);
    const children = descendantsOf(server.pid);
    await server.stop('SIGKILL');
    await until('every child has ended', GONE_MS, () => !children.some(isRunning) || undefined);
    await Promise.all(requests);
  }
  const kept = storedSegments(other.data);
  assert.deepEqual(await segmentsOf(other, [0, 1, 2, 3, 4, 5]), whole);
  for (const path of kept) assert.ok(storedSegments(other.data).includes(path), `${path} was made again`);
});

test(
  'a child that dies in the middle of an encode is replaced, and the viewer gets the segment',
  options,
  async () => {
    await using folders = await serverFolders([SAMPLE]);
    await using server = await startServer(folders);
    const base = await mediaBase(server);
    const request = fetch(`${base}/v720p/3.m4s`);
    const [child] = await childrenAtWork(server);
    process.kill(child!, 'SIGKILL');
    const answer = await request;
    assert.equal(answer.status, 200);
    assert.ok((await answer.arrayBuffer()).byteLength > 10_000);
    const [video] = await server.videos();
    assert.equal(video?.status, 'playable');
  },
);

test('nobody works for a viewer who went away', options, async () => {
  await using folders = await serverFolders([SAMPLE]);
  await using server = await startServer(folders);
  const base = await mediaBase(server);
  const viewer = new AbortController();
  const request = fetch(`${base}/v720p/3.m4s`, { signal: viewer.signal }).catch(() => undefined);
  const working = await childrenAtWork(server);
  viewer.abort();
  await request;
  await until('the encode has ended', SETTLE_MS, () => !working.some(isRunning) || undefined);
  assert.deepEqual(storedSegments(folders.data), []);
});

/** Where the tracks of the sample lie. */
async function mediaBase(server: RealServer): Promise<string> {
  const video = await server.video('Sluice sample.mp4');
  const mpd = await (await fetch(video.playback.dash!)).text();
  return `${server.url}/v/${video.id}/cmaf/${/cmaf\/([0-9a-f]+)\//.exec(mpd)![1]}`;
}

/** The children that have used the processor for a while: not the spares. */
function childrenAtWork(server: RealServer): Promise<readonly number[]> {
  return until('a child is at work', SETTLE_MS, async () => {
    const times = await Promise.all(
      descendantsOf(server.pid).map(async (pid) => [pid, await processorTicks(pid)] as const),
    );
    const working = times.filter(([, ticks]) => ticks > SPARE_TICKS).map(([pid]) => pid);
    return working.length > 0 ? working : undefined;
  });
}

/** A spare has used some 15 hundredths of a second to start, and up to twice that on a busy machine. */
const SPARE_TICKS = 60;

/** Of user and system time, in hundredths of a second: proc(5). 0 for a process that is gone. */
async function processorTicks(pid: number): Promise<number> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
}

async function segmentsOf(
  folders: { library: string; data: string },
  indexes: readonly number[],
): Promise<readonly string[]> {
  await using server = await startServer(folders);
  const base = await mediaBase(server);
  const segments: string[] = [];
  for (const index of indexes) {
    const answer = await fetch(`${base}/v720p/${index}.m4s`);
    assert.equal(answer.status, 200);
    segments.push(Buffer.from(await answer.arrayBuffer()).toString('base64'));
  }
  return segments;
}

function storedSegments(data: string): readonly string[] {
  return readdirSync(data, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.m4s'))
    .map((entry) => join(entry.parentPath, entry.name));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
