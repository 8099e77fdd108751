/**
 * Manifests and segments in front of players that nobody here wrote. B-frames, a rate of 24000/1001, a switch
 * of quality and a short last segment are what goes wrong first.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';
import { type Track, trackDurationTicks, type VideoTrack } from '../../src/media/presentation.ts';
import { type EncodedTrack, encodeAudioTrack, encodeVideoTrack } from '../encoded-track.ts';
import { requireTool } from '../tools.ts';
import { type ServedPresentation, servePresentation } from './served-presentation.ts';

const ffprobe = requireTool('ffprobe');
const browserTool = requireTool('chromium');

/** The last segment has 3 frames: fewer, and hls.js never ends (docs/decisions/011-reorder-delay-in-hls-js.md). */
const FRAMES = 243;
const FRAME_SECONDS = 1001 / 24_000;
const AUDIO_FRAMES = 471;
const common = {
  frameRate: { num: 24_000, den: 1001 },
  frames: FRAMES,
  framesPerSegment: 48,
  bFrames: 3,
  bPyramid: false,
};

let served: ServedPresentation;
let soundAlone: ServedPresentation;
/** For itself: what it is asked for is the test. */
let trickPlayed: ServedPresentation;
let browser: Browser | undefined;
let durationSeconds = 0;

before(async () => {
  const sound = encodeAudioTrack('a1', { frames: AUDIO_FRAMES, framesPerSegment: 94, language: 'en' });
  const tracks: readonly EncodedTrack<Track>[] = [
    encodeVideoTrack({ id: 'v240', width: 320, height: 240, ...common }),
    withTrickPlay(encodeVideoTrack({ id: 'v120', width: 160, height: 120, ...common })),
    sound,
  ];
  durationSeconds = Math.max(...tracks.map(({ track }) => trackDurationTicks(track) / track.timescale));
  served = await servePresentation(tracks);
  trickPlayed = await servePresentation(tracks);
  soundAlone = await servePresentation([sound]);
  if (browserTool.skip !== false) return;
  browser = await chromium.launch({
    executablePath: browserTool.path,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--autoplay-policy=no-user-gesture-required',
    ],
  });
});

after(async () => {
  await browser?.close();
  for (const one of [served, trickPlayed, soundAlone]) await one?.[Symbol.asyncDispose]();
});

for (const entry of ['hls/main.m3u8', 'dash/manifest.mpd']) {
  test(`FFmpeg reads every frame of ${entry} at its exact time`, { skip: ffprobe.skip }, async () => {
    const video = await frameTimes(served.root + entry, 'v:0');
    assert.equal(video.length, FRAMES);
    video.forEach((seconds, index) => assertClose(seconds, index * FRAME_SECONDS, 2e-6));
    const sound = await frameTimes(served.root + entry, 'a:0');
    assert.equal(sound.length, AUDIO_FRAMES);
    assert.equal(sound[0], 0);
  });
}

test('FFmpeg reads one frame for each segment of an I-frame playlist', { skip: ffprobe.skip }, async () => {
  const times = await frameTimes(`${served.root}hls/v120-iframes.m3u8`, 'v:0');
  assert.equal(times.length, Math.ceil(FRAMES / common.framesPerSegment));
  times.forEach((seconds, index) =>
    assertClose(seconds, index * common.framesPerSegment * FRAME_SECONDS, 2e-6),
  );
});

test('Shaka Player moves fast through the frames that DASH offers for it', {
  skip: browserTool.skip,
}, async () => {
  const played = await play(trickPlayed, 'dash/manifest.mpd', startShakaTrickPlay);
  assert.deepEqual(played.errors, []);
  assert.ok(played.hasEnded, JSON.stringify(played));
  const asked = [...trickPlayed.asked];
  assert.ok(
    asked.some((path) => path.startsWith('trick/')),
    asked.join(' '),
  );
  assert.deepEqual(trickPlayed.missing, []);
});

/** Each starts playback in the page and says what went wrong, in `errors`. They run inside the browser. */
const PLAYERS = {
  'hls.js': { entry: 'hls/main.m3u8', start: startHlsJs },
  'hls.js (MPEG-TS)': { entry: 'hls-ts/main.m3u8', start: startHlsJs },
  'the browser itself': { entry: 'hls/main.m3u8', start: startNative },
  'dash.js': { entry: 'dash/manifest.mpd', start: startDashJs },
  'Shaka Player (HLS)': { entry: 'hls/main.m3u8', start: startShaka },
  'Shaka Player (DASH)': { entry: 'dash/manifest.mpd', start: startShaka },
} as const;

// They wait for the clock, so they may play at the same time.
describe('to the end', { skip: browserTool.skip, concurrency: 3 }, () => {
  for (const [name, { entry, start }] of Object.entries(PLAYERS)) {
    test(`${name} plays ${entry} to the end without a gap`, async () => {
      const played = await play(served, entry, start);
      // hls.js puts the first picture's decoding at 0 in a transport stream, and all else later with it.
      const isLate = entry.startsWith('hls-ts/');
      assert.deepEqual(played.errors, []);
      assert.equal(played.buffered.length, 1, JSON.stringify(played));
      assertClose(played.buffered[0]?.[0], 0, isLate ? FRAME_SECONDS + 1e-3 : 1e-3);
      // Chromium's own HLS keeps no more than it needs, so the end is where it played to.
      assertClose(played.currentTime, durationSeconds, 0.06);
      assertClose(played.duration, durationSeconds, 0.06);
      assert.ok(played.hasEnded);
      assert.equal(played.stalls, 0);
      assert.deepEqual(served.missing, []);
    });

    test(`${name} plays sound alone through ${entry}`, async () => {
      const played = await play(soundAlone, entry, start);
      assert.deepEqual(played.errors, []);
      assert.equal(played.buffered.length, 1, JSON.stringify(played));
      assertClose(played.currentTime, (AUDIO_FRAMES * 1024) / 48_000, 0.06);
      assert.ok(played.hasEnded);
    });
  }
});

type Played = {
  readonly errors: readonly string[];
  readonly buffered: readonly (readonly [number, number])[];
  readonly currentTime: number;
  readonly duration: number;
  readonly hasEnded: boolean;
  readonly stalls: number;
};

async function play(
  presentation: ServedPresentation,
  entry: string,
  start: (url: string) => unknown,
): Promise<Played> {
  assert.ok(browser);
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    const consoleErrors: string[] = [];
    page.on('pageerror', (error) => consoleErrors.push(String(error)));
    await page.goto(presentation.origin);
    await page.evaluate(observeVideo);
    await page.evaluate(`(${start.toString()})(${JSON.stringify(presentation.root + entry)})`);
    await page
      .waitForFunction('window.errors.length > 0 || document.querySelector("video").ended', null, {
        timeout: 40_000,
      })
      .catch(() => {});
    const played = (await page.evaluate(readVideo)) as Played;
    return { ...played, errors: [...played.errors, ...consoleErrors] };
  } finally {
    await context.close();
  }
}

/**
 * Three times as fast is a third of the waiting. A stall counts where the buffer has a hole, with more behind it; a slow
 * machine waits too.
 */
const observeVideo = `
  window.errors = [];
  window.stalls = 0;
  const video = document.querySelector('video');
  video.defaultPlaybackRate = 3;
  video.addEventListener('error', () => errors.push('video: ' + video.error?.message));
  const isBeforeHole = () => Array.from({ length: video.buffered.length }, (_, i) => video.buffered.start(i))
    .some((start) => start > video.currentTime);
  video.addEventListener('waiting', () => {
    if (video.currentTime > 0.1 && isBeforeHole()) stalls++;
  });
`;

const readVideo = `(() => {
  const video = document.querySelector('video');
  const ranges = Array.from({ length: video.buffered.length }, (_, i) => [video.buffered.start(i), video.buffered.end(i)]);
  const { currentTime, duration, ended } = video;
  return { errors, buffered: ranges, currentTime, duration, hasEnded: ended, stalls };
})()`;

/** The player libraries are globals of the page. */
declare const Hls: any, dashjs: any, shaka: any, document: any, window: any;

function startHlsJs(url: string): void {
  const hls = new Hls();
  // A load that hls.js gave up because of the switch below, and what it says of a machine that is slow. A hole in the
  // buffer has names of its own.
  const harmless = ['aborted', 'bufferStalledError', 'bufferNudgeOnStall'];
  // It puts the first picture's decoding at 0, and has to seek to the picture.
  if (url.includes('/hls-ts/')) harmless.push('bufferSeekOverHole');
  hls.on(Hls.Events.ERROR, (_: unknown, { details }: { details: string }) => {
    if (!harmless.includes(details)) window.errors.push(details);
  });
  // The rest in the other quality.
  hls.on(Hls.Events.FRAG_BUFFERED, (_: unknown, { frag }: { frag: { type: string; sn: number } }) => {
    if (frag.type === 'main' && frag.sn === 1) hls.nextLoadLevel = 0;
  });
  hls.loadSource(url);
  hls.attachMedia(document.querySelector('video'));
  hls.on(Hls.Events.MANIFEST_PARSED, () => document.querySelector('video').play());
}

function startNative(url: string): void {
  document.querySelector('video').src = url;
  document.querySelector('video').play();
}

function startDashJs(url: string): void {
  const player = dashjs.MediaPlayer().create();
  player.on('error', (event: { error: { message: string } }) => window.errors.push(event.error.message));
  player.initialize(document.querySelector('video'), url, true);
}

async function startShaka(url: string): Promise<void> {
  shaka.polyfill.installAll();
  const player = new shaka.Player();
  await player.attach(document.querySelector('video'));
  player.addEventListener('error', (event: { detail: { code: number } }) =>
    window.errors.push(`code ${event.detail.code}`),
  );
  await player.load(url);
  await document.querySelector('video').play();
}

async function startShakaTrickPlay(url: string): Promise<void> {
  shaka.polyfill.installAll();
  const player = new shaka.Player();
  await player.attach(document.querySelector('video'));
  player.addEventListener('error', (event: { detail: { code: number } }) =>
    window.errors.push(`code ${event.detail.code}`),
  );
  // Or all of so short a video is there before the player is told to move fast.
  player.configure({ streaming: { bufferingGoal: 2 } });
  await player.load(url);
  await document.querySelector('video').play();
  player.trickPlay(4);
}

function withTrickPlay(encoded: EncodedTrack<VideoTrack>): EncodedTrack<VideoTrack> {
  return { ...encoded, track: { ...encoded.track, trickPlay: { peakBitsPerSecond: 100_000 } } };
}

async function frameTimes(url: string, stream: string): Promise<readonly number[]> {
  const { stdout, stderr } = await promisify(execFile)(
    ffprobe.path,
    [
      '-v',
      'error',
      '-select_streams',
      stream,
      '-show_entries',
      'frame=best_effort_timestamp_time',
      '-of',
      'json',
      url,
    ],
    { maxBuffer: 100_000_000 },
  );
  assert.equal(stderr, '');
  const { frames } = JSON.parse(stdout) as { frames: readonly { best_effort_timestamp_time: string }[] };
  return frames.map((frame) => Number(frame.best_effort_timestamp_time));
}

function assertClose(actual: number | undefined, expected: number, tolerance: number): void {
  assert.ok(
    actual !== undefined && Math.abs(actual - expected) <= tolerance,
    `${actual} is not near ${expected}`,
  );
}
