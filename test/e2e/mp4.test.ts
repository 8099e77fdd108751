/**
 * Progressive MP4 of the running server, through the eyes of FFmpeg and of Chromium; and, with it, whether every format
 * of a video is the same and costs nothing more to keep.
 */
import assert from 'node:assert/strict';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makeSource } from '../fixtures/source.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';
import { launchBrowser, skip as skipWithoutBrowser } from '../web/site.ts';
import { beepsIn, frameHashes, looks, samples, skipWithoutFfmpeg, startTimes } from './judge.ts';
import {
  type ApiVideo,
  type RealServer,
  type ServerFolders,
  serverFolders,
  startServer,
} from './real-server.ts';
import { objectsFolder } from './shared-deployment.ts';
import { bytesOf, fetchAll, hlsTracks, type ServedTrack } from './served-tracks.ts';

const TITLE = 'Übung 1';
const SECONDS = 10;
const FRAMES = 300;
const FRAME_SECONDS = 1 / 30;

describe('a progressive MP4', { skip: skipWithoutFfmpeg }, () => {
  const cleanUp = new AsyncDisposableStack();
  let scratch: string;
  let folders: ServerFolders;
  let server: RealServer;
  let tracks: readonly ServedTrack[];
  let video: ApiVideo;
  let url: string;
  /** The whole file, as it was downloaded. */
  let file: string;

  before(async () => {
    scratch = cleanUp.use(await temporaryFolder()).path;
    const source = join(scratch, `${TITLE}.mp4`);
    await makeSource(source, [
      { kind: 'video', width: 426, height: 240, seconds: SECONDS },
      { kind: 'audio', seconds: SECONDS },
    ]);
    folders = cleanUp.use(await serverFolders([source]));
    server = cleanUp.use(await startServer(folders));
    video = await server.video(basename(source));
    url = `${server.url}/v/${video.id}/mp4/240p.mp4`;
    tracks = await hlsTracks(video.playback.hls!);
  });

  after(() => cleanUp.disposeAsync());

  test('is refused, with how far it is, and not listed until all of it is stored', async () => {
    await bytesOf(tracks[0]!.segments[0]!.url);
    // A run of the encoder goes on to the segments after the one asked for.
    const answer = await fetch(url);
    assert.equal(answer.status, 503);
    assert.ok(Number(answer.headers.get('retry-after')) > 0);
    const problem = (await answer.json()) as { code: string; detail: string };
    assert.equal(problem.code, 'not_ready');
    assert.match(problem.detail, /: \d of 6 segments are$/);
    assert.equal((await server.video(video.source.name)).playback.mp4, undefined);
    assert.equal((await fetch(url.replace('240p', '241p'))).status, 404);

    await fetchAll(tracks);
    const { playback } = await server.video(video.source.name);
    assert.deepEqual(playback.mp4, [{ quality: '240p', url }]);
  });

  test('is one file, of a length known beforehand, whole or in parts', async () => {
    const head = await fetch(url, { method: 'HEAD' });
    assert.equal(head.status, 200);
    assert.equal(head.headers.get('content-type'), 'video/mp4');
    assert.equal(head.headers.get('accept-ranges'), 'bytes');
    assert.equal(head.headers.get('cache-control'), 'no-cache');
    const whole = Buffer.from(await bytesOf(url));
    assert.equal(Number(head.headers.get('content-length')), whole.length);
    file = join(scratch, 'downloaded.mp4');
    await writeFile(file, whole);

    const ranges = [[0, 99], [whole.length - 1], [30_000, 99_999]];
    for (const [start, end] of ranges) {
      const answer = await fetch(url, { headers: { Range: `bytes=${start}-${end ?? ''}` } });
      assert.equal(answer.status, 206);
      const part = Buffer.from(await answer.arrayBuffer());
      assert.ok(part.equals(whole.subarray(start, (end ?? whole.length) + 1)), `from ${start}`);
    }
    const etag = head.headers.get('etag')!;
    assert.equal((await fetch(url, { headers: { 'If-None-Match': etag } })).status, 304);
  });

  test('is saved under the title of its video', async () => {
    const name = `filename="_bung 1 240p.mp4"; filename*=UTF-8''%C3%9Cbung%201%20240p.mp4`;
    assert.equal(await dispositionOf(url), `inline; ${name}`);
    assert.equal(await dispositionOf(`${url}?download`), `attachment; ${name}`);
  });

  test('has the frames and the sound of HLS, at the same times', async () => {
    assert.deepEqual(await startTimes(file), [0, 0]);
    const byKind = { video: 'v:0', audio: 'a:0' };
    for (const track of tracks) {
      const stream = byKind[track.kind];
      const fragmented = await joined(scratch, track);
      const [there, here] = [await frameHashes(fragmented, stream), await frameHashes(file, stream)];
      if (track.kind === 'video') assert.equal(here.length, FRAMES);
      assert.deepEqual(here, there);
    }
  });

  test('every format has the same frames and the same sound, and the store has nothing but CMAF for all', async (t) => {
    const { hls, dash, hlsTs } = video.playback;
    for (const [stream, least] of [
      ['v:0', FRAMES],
      ['a:0', (SECONDS * 48_000) / 1024],
    ] as const) {
      const [expected, ...others] = await Promise.all(
        [hls!, dash!, hlsTs!, file].map((input) => sinceFirst(input, stream)),
      );
      assert.ok(expected!.length >= least, `${expected!.length} of ${stream}`);
      for (const frames of others) assert.deepEqual(frames, expected);
    }
    // All that the formats had stored is there now: no picture was asked for, the library's source lies elsewhere, and
    // of the data folder only the catalog is no object.
    const stored = await bytesBelow(
      await objectsFolder(folders.data),
      (name) => !name.startsWith('catalog.sqlite'),
    );
    const cmaf = (await Promise.all(tracks.map(mediaBytes))).flat().reduce((sum, bytes) => sum + bytes, 0);
    t.diagnostic(`${stored} bytes are stored, ${(stored / cmaf).toFixed(4)} of CMAF`);
    assert.ok(stored >= cmaf && stored <= 1.01 * cmaf, `${stored} bytes are stored of ${cmaf} of CMAF`);
  });

  test('has flash and beep together, from the first second to the last', async () => {
    const flashes = (await looks(file, 'v:0')).flatMap(({ isFlash }, frame, all) =>
      isFlash && all[frame - 1]?.isFlash !== true ? [frame * FRAME_SECONDS] : [],
    );
    const beeps = beepsIn(await samples(file));
    assert.equal(flashes.length, SECONDS);
    assert.equal(beeps.length, SECONDS);
    flashes.forEach((flash, index) =>
      assert.ok(Math.abs(beeps[index]! - flash) < FRAME_SECONDS, `${flash}: ${beeps[index]}`),
    );
  });

  test('plays in Chromium, and from its last second', { skip: skipWithoutBrowser }, async () => {
    await using browser = await launchBrowser();
    const page = await browser.newPage();
    await page.goto(`${server.url}/healthz`);
    // The page's policy is that of the server: media of its own origin.
    const played = await page.evaluate(playThrough, url);
    assert.ok(Math.abs(played.duration - SECONDS) < 0.05, `${played.duration} s`);
    assert.deepEqual([played.width, played.height], [426, 240]);
    assert.ok(played.first > 0 && played.first < 2, `played from ${played.first} s`);
    assert.ok(Math.abs(played.sought - (SECONDS - 0.9)) < 0.2, `sought to ${played.sought} s`);
    assert.ok(Math.abs(played.end - SECONDS) < 0.05, `ended at ${played.end} s`);
  });
});

/** Hashes of all frames, with their times since the first: the clock of transport streams begins elsewhere. */
async function sinceFirst(input: string, stream: string): Promise<readonly string[]> {
  const frames = (await frameHashes(input, stream)).map((line) =>
    line.split(',').map((field) => field.trim()),
  );
  const first = Number(frames[0]?.[2]);
  return frames.map(([, , time, , , hash]) => `${Number(time) - first} ${hash}`);
}

/** Sizes of a track's init segment and of its segments, as they are served. */
function mediaBytes({ init, segments }: ServedTrack): Promise<readonly number[]> {
  const addresses = [init, ...segments.map((segment) => segment.url)];
  return Promise.all(addresses.map(async (address) => (await bytesOf(address)).length));
}

async function bytesBelow(folder: string, counts: (name: string) => boolean): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && counts(entry.name));
  const sizes = await Promise.all(
    files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function dispositionOf(url: string): Promise<string | null> {
  return (await fetch(url, { method: 'HEAD' })).headers.get('content-disposition');
}

/** In the page: plays a little, seeks into the last second, plays to the end. */
async function playThrough(address: string) {
  const element = document.createElement('video');
  const event = (name: string): Promise<unknown> =>
    new Promise((resolve, reject) => {
      element.addEventListener(name, resolve, { once: true });
      element.addEventListener('error', () => reject(new Error(element.error?.message)), { once: true });
    });
  element.muted = true;
  element.src = address;
  const moved = event('timeupdate');
  document.body.append(element);
  await element.play();
  await moved;
  while (element.currentTime === 0) await event('timeupdate');
  const first = element.currentTime;
  const seeked = event('seeked');
  element.currentTime = element.duration - 0.9;
  await seeked;
  const sought = element.currentTime;
  await event('ended');
  const { duration, videoWidth: width, videoHeight: height, currentTime: end } = element;
  return { duration, width, height, first, sought, end };
}

async function joined(scratch: string, { id, init, segments }: ServedTrack): Promise<string> {
  const parts = [await bytesOf(init)];
  for (const segment of segments) parts.push(await bytesOf(segment.url));
  const path = join(scratch, `${id}.mp4`);
  await writeFile(path, Buffer.concat(parts));
  return path;
}
