/**
 * Ready-made packages in the formats that they do not come in: from unchanged files, the same frames at the same
 * times. The server runs; FFmpeg and Chromium judge.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readPlaylist } from '../formats/manifest-readers.ts';
import { requireTool } from '../tools.ts';
import { skipWithoutFfmpeg } from './judge.ts';
import {
  type ApiVideo,
  ASSETS,
  type RealServer,
  serverFolders,
  type ServerFolders,
  startServer,
} from './real-server.ts';
import { dashTracks } from './served-tracks.ts';

const ffmpeg = requireTool('ffmpeg');
const FRAMES = 720;
const FRAME_SECONDS = 1001 / 30_000;

describe('packages in other formats', { skip: skipWithoutFfmpeg, timeout: 120_000 }, () => {
  const cleanUp = new AsyncDisposableStack();
  let folders: ServerFolders;
  let server: RealServer;
  let hls: ApiVideo;
  let dash: ApiVideo;

  before(async () => {
    folders = cleanUp.use(await serverFolders());
    for (const name of ['Ready-made HLS', 'Ready-made DASH'])
      await cp(join(ASSETS, name), join(folders.library, name), { recursive: true });
    server = cleanUp.use(await startServer(folders));
    hls = await server.video('Ready-made HLS/main.m3u8');
    dash = await server.video('Ready-made DASH/manifest.mpd');
  });

  after(() => cleanUp.disposeAsync());

  test('every format is offered, and the own one lies where it lies', async () => {
    for (const video of [hls, dash]) {
      const { playback } = video;
      assert.ok(playback.hls && playback.dash && playback.hlsTs, JSON.stringify(playback));
    }
    const own = await fetch(hls.playback.hls!);
    assert.match(own.url, /\/package\/[0-9a-f]+\/main\.m3u8$/);
    assert.match((await fetch(dash.playback.dash!)).url, /\/package\/[0-9a-f]+\/manifest\.mpd$/);
    assert.equal((await fetch(new URL('hls/v1.m3u8', new URL('../', hls.playback.hls)))).status, 404);
  });

  for (const [name, own, others] of [
    ['HLS', 'hls', ['dash', 'hlsTs']],
    ['DASH', 'dash', ['hls', 'hlsTs']],
  ] as const) {
    test(`the frames of the ${name} package are the same in every format, and so is its sound`, async () => {
      const video = own === 'hls' ? hls : dash;
      const [expected, ...found] = await Promise.all(
        [own, ...others].map((format) => judged(video.playback[format]!)),
      );
      assert.equal(expected!.pictures.length, FRAMES);
      for (const { pictures, sounds, soundOffset } of found) {
        assert.deepEqual(pictures, expected!.pictures);
        assert.deepEqual(sounds, expected!.sounds);
        assert.ok(Math.abs(soundOffset - expected!.soundOffset) < 0.001, `${soundOffset}`);
      }
    });
  }

  test('timelines have neither gaps nor overlaps, and end with the picture', async () => {
    const tracks = await dashTracks(hls.playback.dash!);
    assert.equal(tracks.length, 3);
    for (const { id, segments } of tracks) {
      const seconds = segments.reduce((sum, segment) => sum + segment.seconds, 0);
      assert.ok(Math.abs(seconds - FRAMES * FRAME_SECONDS) < 0.05, `${id} lasts ${seconds} s`);
    }
    const playlist = await text(new URL('v1.m3u8', dash.playback.hls));
    assert.equal(readPlaylist(playlist).durations.length, 6);
  });

  test('nothing in the library has changed', async () => {
    for (const name of ['Ready-made HLS', 'Ready-made DASH'])
      assert.deepEqual(await digests(join(folders.library, name)), await digests(join(ASSETS, name)));
  });
});

type Judged = {
  /** Hashes of all frames, with their times since the first. */
  readonly pictures: readonly string[];
  readonly sounds: readonly string[];
  /** By so much the sound begins after the picture. */
  readonly soundOffset: number;
};

/** Of the lower quality, which comes second in all of these manifests. */
async function judged(url: string): Promise<Judged> {
  // FFmpeg does not take the links of a redirected MPD from where it lies.
  const { url: place } = await fetch(url);
  const lower = ['-map', '0:v:1', '-map', '0:a:0', '-enc_time_base:v', '1:30000'];
  const frames = (await run(['-i', place, ...lower, '-f', 'framemd5', '-']))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(',').map((field) => field.trim()))
    .map(([stream, , time, , , hash]) => ({ stream, time: Number(time), hash: hash! }));
  const pictures = frames.filter(({ stream }) => stream === '0');
  const sounds = frames.filter(({ stream }) => stream === '1');
  const [first, sound] = [pictures[0]!.time, sounds[0]!.time];
  return {
    pictures: pictures.map(({ time, hash }) => `${time - first} ${hash}`),
    sounds: sounds.map(({ hash }) => hash),
    soundOffset: sound / 48_000 - first / 30_000,
  };
}

async function digests(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  return Promise.all(
    names
      .map(({ parentPath, name }) => join(parentPath, name))
      .toSorted()
      .map(
        async (path) =>
          `${path.slice(folder.length)} ${createHash('sha256')
            .update(await readFile(path))
            .digest('hex')}`,
      ),
  );
}

async function text(url: URL): Promise<string> {
  return (await fetch(url)).text();
}

/** Any complaint of FFmpeg fails. */
async function run(options: readonly string[]): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  execFile(ffmpeg.path, ['-v', 'warning', ...options], { maxBuffer: 1e8 }, (error, stdout, stderr) => {
    if (error === null && stderr === '') resolve(stdout);
    else reject(error ?? new Error(`ffmpeg ${options.join(' ')}: ${stderr}`));
  });
  return promise;
}
