/** The processes of a server: children end with it, a dead child is replaced, nobody works for viewers who left. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { skipWithoutFfmpeg } from './judge.ts';
import {
  descendantsOf,
  isRunning,
  type RealServer,
  SAMPLE,
  serverFolders,
  startServer,
  until,
} from './real-server.ts';
import { bytesOf } from './served-tracks.ts';

/** After 4.5 s a server that has not stopped ends all the same. */
const STOP_MS = 5000;
/** A child ends with its current frame: on a busy machine that is not at once. */
const GONE_MS = 20_000;
const SETTLE_MS = 30_000;
const options = { skip: skipWithoutFfmpeg, timeout: 300_000 };

test('SIGTERM ends the server and every child within 5 s, in the middle of encoding', options, async () => {
  await using folders = await serverFolders([SAMPLE]);
  await using server = await startServer(folders);
  const base = await mediaBase(server);
  const before = await settledChildren(server);
  const requests = [0, 2, 4].map((index) => fetch(`${base}/v720p/${index}.m4s`).catch(() => undefined));
  await childrenAtWork(before);
  const children = descendantsOf(server.pid);
  const start = performance.now();
  await server.stop('SIGTERM');
  await until('every child has ended', GONE_MS, () => !children.some(isRunning) || undefined);
  const seconds = (performance.now() - start) / 1000;
  assert.ok(seconds * 1000 < STOP_MS, `it took ${seconds} s`);
  await Promise.all(requests);
});

test('SIGKILL leaves no child that runs on, and no half segment', options, async () => {
  await using folders = await serverFolders([SAMPLE]);
  const whole = await segmentsOf(folders, [0, 2, 4]);
  await using other = await serverFolders([SAMPLE]);
  {
    await using server = await startServer(other);
    const base = await mediaBase(server);
    const before = await settledChildren(server);
    const requests = [0, 2, 4].map((index) => fetch(`${base}/v480p/${index}.m4s`).catch(() => undefined));
    await childrenAtWork(before);
    const children = descendantsOf(server.pid);
    await server.stop('SIGKILL');
    await until('every child has ended', GONE_MS, () => !children.some(isRunning) || undefined);
    await Promise.all(requests);
  }
  const kept = storedSegments(other.data);
  assert.deepEqual(await segmentsOf(other, [0, 2, 4]), whole);
  for (const path of kept) assert.ok(storedSegments(other.data).includes(path), `${path} was made again`);
});

test(
  'a child that dies in the middle of an encode is replaced, and the viewer gets the segment',
  options,
  async () => {
    await using folders = await serverFolders([SAMPLE]);
    await using server = await startServer(folders);
    const base = await mediaBase(server);
    const before = await settledChildren(server);
    const request = bytesOf(`${base}/v720p/3.m4s`);
    const [child] = await childrenAtWork(before);
    process.kill(child!, 'SIGKILL');
    assert.ok((await request).byteLength > 10_000);
    const [video] = await server.videos();
    assert.equal(video?.status, 'playable');
  },
);

test('nobody works for a viewer who went away', options, async () => {
  await using folders = await serverFolders([SAMPLE]);
  await using server = await startServer(folders);
  const base = await mediaBase(server);
  const before = await settledChildren(server);
  const viewer = new AbortController();
  const request = fetch(`${base}/v720p/3.m4s`, { signal: viewer.signal }).catch(() => undefined);
  const working = await childrenAtWork(before);
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

type ProcessorTicks = ReadonlyMap<number, number>;

/** The server's children and the time that each has used, when none of them uses any more: spares take a while to start. */
function settledChildren(server: RealServer): Promise<ProcessorTicks> {
  let last: ProcessorTicks = new Map();
  return until('no child is at work', SETTLE_MS, async () => {
    const ticks = await ticksOf(descendantsOf(server.pid));
    const isSettled =
      ticks.size === last.size && ticks.entries().every(([pid, used]) => last.get(pid) === used);
    last = ticks;
    await new Promise((resolve) => setTimeout(resolve, 300));
    return isSettled ? ticks : undefined;
  });
}

/** The children that have been at work for a while since they had used so much: not the spares, nor those that start. */
function childrenAtWork(before: ProcessorTicks): Promise<readonly number[]> {
  return until('a child is at work', SETTLE_MS, async () => {
    const now = await ticksOf([...before.keys()]);
    const working = [...before.keys()].filter((pid) => now.get(pid)! - before.get(pid)! >= WORK_TICKS);
    return working.length > 0 ? working : undefined;
  });
}

/** In hundredths of a second: a fifth of what a segment takes, and more than a message to a child. */
const WORK_TICKS = 20;

async function ticksOf(pids: readonly number[]): Promise<ProcessorTicks> {
  return new Map(await Promise.all(pids.map(async (pid) => [pid, await processorTicks(pid)] as const)));
}

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
    segments.push(Buffer.from(await bytesOf(`${base}/v480p/${index}.m4s`)).toString('base64'));
  }
  return segments;
}

function storedSegments(data: string): readonly string[] {
  return readdirSync(data, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.m4s'))
    .map((entry) => join(entry.parentPath, entry.name));
}
