/**
 * The whole product as a viewer meets it: the real page of the real server in a real browser, where nothing was
 * encoded beforehand.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, copyFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { temporaryFolder } from '../storage/temporary-folder.ts';
import { requireTool } from '../tools.ts';
import { nextPicture, paceOver, seekTo, watchedOn, watchPlayback } from '../web/playback-watch.ts';
import { choose, type PlayerView, playerOf, untilPlayer } from '../web/player-page.ts';
import { launchBrowser, newPage, skip, type WatchedPage } from '../web/site.ts';
import { hlsTracks, type ServedTrack } from './served-tracks.ts';
import {
  ASSETS,
  type RealServer,
  SAMPLE,
  type ServerFolders,
  serverFolders,
  startServer,
} from './real-server.ts';
import { objectsFolder } from './shared-deployment.ts';

const ffmpeg = requireTool('ffmpeg');

const SAMPLES = ['Ready-made DASH', 'Ready-made HLS', 'Sluice sample'];
const SAMPLE_FRAMES = 720;
const FRAMES_PER_SECOND = 30_000 / 1001;
const LOOPS = 8;
const PLAYED_SECONDS = 10;
/** So far behind the start that nobody has encoded it yet. */
const FAR_SECONDS = 150;
/** The picture on screen may be a little older or younger than the time that the browser gives for it. */
const PICTURE_TOLERANCE = 3;
/** Small, so that Auto does not ask for the best rung: the tests share the cores with the encoder. */
const VIEWPORT = { width: 800, height: 600 };
/** Encoding on a busy machine, and one refusal of the server, which waits 8 s: not an endless wait. */
const LONGEST_STALL_MS = 20_000;
const PATIENCE_MS = 30_000;

describe('the page in a browser', { skip, timeout: 300_000 }, () => {
  const cleanUp = new AsyncDisposableStack();
  let folders: ServerFolders;
  let server: RealServer;
  let browser: Browser;
  /** More than a player fetches ahead. The sample over and over, so that each frame still shows its number. */
  let longVideo: string;

  before(async () => {
    longVideo = join(cleanUp.use(await temporaryFolder()).path, 'long.mp4');
    const loop = ['-stream_loop', String(LOOPS - 1), '-i', SAMPLE, '-c', 'copy', longVideo];
    await promisify(execFile)(ffmpeg.path, ['-v', 'error', ...loop]);
    folders = cleanUp.use(await serverFolders());
    await cp(ASSETS, folders.library, { recursive: true });
    server = cleanUp.use(await startServer(folders));
    browser = await launchBrowser();
    cleanUp.defer(() => browser.close());
  });

  after(() => cleanUp.disposeAsync());

  /** Opens a page, watched from its first moment. */
  async function open(path: string): Promise<WatchedPage> {
    const page = await newPage(browser, server.url, { viewport: VIEWPORT });
    await watchPlayback(page);
    await page.goto(server.url + path);
    return page;
  }

  /** Puts a video into the library folder while `page` shows the library, and waits for its card. */
  async function drop(page: WatchedPage, title: string): Promise<void> {
    await page.getByTestId('card').first().waitFor();
    await page.evaluate(() => document.documentElement.setAttribute('data-kept', ''));
    await copyFile(longVideo, join(folders.library, `${title}.mp4`));
    await untilPictured(page, title);
    assert.equal(await page.locator('html[data-kept]').count(), 1, 'the page was loaded anew');
  }

  /** Asserts that no rung has been encoded there: a finished segment is stored as `<track>/<index>.m4s`. */
  async function assertNeverEncoded(title: string, seconds: number): Promise<void> {
    const { id, playback } = await server.video(`${title}.mp4`);
    const names = await readdir(await objectsFolder(folders.data), { recursive: true });
    const stored = names.filter((name) => name.includes(id) && name.endsWith('.m4s'));
    assert.ok(stored.length > 0, 'what was played is stored');
    for (const track of await hlsTracks(playback.hls!)) {
      const there = join(track.id, `${segmentAt(track, seconds)}.m4s`);
      assert.deepEqual(
        stored.filter((name) => name.endsWith(there)),
        [],
      );
    }
  }

  test('shows every sample with its picture and its duration', async () => {
    const page = await open('/');
    for (const title of SAMPLES) await untilPictured(page, title);
    assert.deepEqual((await page.getByTestId('duration').allTextContents()).sort(), ['0:24', '0:24', '0:24']);
    assert.deepEqual(page.troubles, []);
  });

  test('plays the sample from the click on, and to its end', async (context) => {
    const page = await open('/');
    await clickCard(page, 'Sluice sample', context);
    await untilPlayer(page, ({ seconds }) => seconds >= PLAYED_SECONDS, PATIENCE_MS);
    await assertPictureInTime(page);
    await assertOneRange(page);
    // The end is what is left to see.
    await seekTo(page, 20);
    await untilPlayed(page, 20);
    await assertPictureInTime(page);
    const { seconds, duration } = await untilPlayer(page, ({ ended }) => ended);
    assert.ok(Math.abs(duration - SAMPLE_FRAMES / FRAMES_PER_SECOND) < 0.05, `${duration} s long`);
    assert.ok(duration - seconds < 0.05, `ended at ${seconds} of ${duration} s`);
    await assertUndisturbed(page, context);
  });

  for (const format of ['HLS', 'DASH'] as const) {
    test(`a video that arrives meanwhile plays, seeks and changes quality in ${format}`, async (context) => {
      const page = await open('/');
      const title = `Own video in ${format}`;
      await drop(page, title);
      await clickCard(page, title, context);
      if (format === 'DASH') {
        await choose(page, 'format', 'DASH');
        await untilPlayer(page, ({ engine, pictureHeight }) => engine === 'shaka' && pictureHeight > 0);
      }
      await untilPlayer(page, ({ seconds }) => seconds >= PLAYED_SECONDS, PATIENCE_MS);
      await assertPictureInTime(page);
      await assertOneRange(page);

      await assertNeverEncoded(title, FAR_SECONDS);
      await measured(context, 'seek', async () => {
        await seekTo(page, FAR_SECONDS);
        await untilPlayed(page, FAR_SECONDS);
      });
      await assertPictureInTime(page);

      const { pictureHeight } = await playerOf(page);
      const other = pictureHeight === 480 ? 360 : 480;
      await measured(context, 'change of quality', async () => {
        await choose(page, 'quality', `${other}p`);
        await untilPlayer(page, (player) => player.pictureHeight === other, PATIENCE_MS);
      });
      assert.equal((await playerOf(page)).qualityText, `${other}p`);
      await assertPictureInTime(page);
      await assertRealTime(page);
      assert.equal((await playerOf(page)).engine, format === 'HLS' ? 'hls.js' : 'shaka');
      await assertUndisturbed(page, context);
    });
  }

  test('plays and seeks with the HLS of the browser itself', async (context) => {
    const library = await open('/');
    const title = 'Own video, native';
    await drop(library, title);
    const { id } = await server.video(`${title}.mp4`);
    await library.context().close();
    const page = await open(`/watch/${id}?engine=native`);
    await measured(context, 'first frame', async () => {
      await page.getByTestId('big-play').click();
      await untilPlayer(page, isPlaying, PATIENCE_MS);
    });
    await untilPlayer(page, ({ seconds }) => seconds >= PLAYED_SECONDS, PATIENCE_MS);
    await assertPictureInTime(page);
    await assertOneRange(page);
    await assertNeverEncoded(title, FAR_SECONDS);
    await measured(context, 'seek', async () => {
      await seekTo(page, FAR_SECONDS);
      await untilPlayed(page, FAR_SECONDS);
    });
    await assertPictureInTime(page);
    await assertRealTime(page);
    assert.equal((await playerOf(page)).engine, 'native');
    await assertUndisturbed(page, context);
  });

  // Nothing is encoded here, so they may share the cores.
  describe('ready-made packages', { concurrency: true }, () => {
    for (const [title, engine] of [
      ['Ready-made HLS', 'hls.js'],
      ['Ready-made DASH', 'shaka'],
    ] as const) {
      test(`plays and seeks the package ${title}`, async (context) => {
        const page = await open('/');
        await clickCard(page, title, context);
        await untilPlayer(page, ({ seconds }) => seconds >= 3, PATIENCE_MS);
        await assertPictureInTime(page);
        await assertOneRange(page);
        await seekTo(page, 18);
        await untilPlayed(page, 18);
        await assertPictureInTime(page);
        await assertRealTime(page);
        assert.equal((await playerOf(page)).engine, engine);
        await assertUndisturbed(page, context);
      });
    }
  });

  describe('ready-made packages in other formats', () => {
    for (const [title, label, format, engine] of [
      ['Ready-made HLS', 'DASH', 'dash', 'shaka'],
      ['Ready-made DASH', 'HLS (MPEG-TS)', 'hlsTs', 'hls.js'],
    ] as const) {
      test(`plays and seeks the package ${title} as ${label}`, async (context) => {
        const page = await open('/');
        await clickCard(page, title, context);
        await choose(page, 'format', label);
        await untilPlayer(page, (player) => player.format === format && isPlaying(player), PATIENCE_MS);
        await seekTo(page, 18);
        await untilPlayed(page, 18);
        await assertPictureInTime(page);
        assert.equal((await playerOf(page)).engine, engine);
        await assertUndisturbed(page, context);
      });
    }
  });
});

/** The segment that holds this second. */
function segmentAt(track: ServedTrack, seconds: number): number {
  let end = 0;
  return track.segments.findIndex((segment) => (end += segment.seconds) > seconds);
}

/** Waits for the card of this title, with its poster loaded. */
async function untilPictured(page: WatchedPage, title: string): Promise<void> {
  await page.waitForFunction(
    (wanted) =>
      [...document.querySelectorAll('[data-testid=card]')].some(
        (card) =>
          card.querySelector('.title')?.textContent === wanted &&
          [...card.querySelectorAll('img')].some((image) => image.naturalWidth > 0),
      ),
    title,
    { timeout: PATIENCE_MS },
  );
}

async function clickCard(page: WatchedPage, title: string, context: TestContext): Promise<void> {
  const card = page.getByTestId('card').filter({ hasText: title });
  await card.waitFor();
  await measured(context, 'first frame', async () => {
    await card.locator('a').click();
    await untilPlayer(page, isPlaying, PATIENCE_MS);
  });
}

function isPlaying({ paused, pictureHeight, seconds }: PlayerView): boolean {
  return !paused && pictureHeight > 0 && seconds > 0;
}

/** Waits until it plays on behind the place that was sought. */
async function untilPlayed(page: WatchedPage, soughtSeconds: number): Promise<void> {
  const player = await untilPlayer(page, ({ seconds }) => seconds > soughtSeconds + 0.1, PATIENCE_MS);
  assert.ok(player.seconds < soughtSeconds + 5, `sought ${soughtSeconds} s and plays ${player.seconds} s`);
}

/** Tells how long `action` took. */
async function measured(context: TestContext, what: string, action: () => Promise<void>): Promise<void> {
  const startMs = performance.now();
  await action();
  context.diagnostic(`${what}: ${Math.round(performance.now() - startMs)} ms`);
}

/** The frame on screen is the one that belongs there. */
async function assertPictureInTime(page: WatchedPage): Promise<void> {
  const { number, mediaTime } = await nextPicture(page);
  const expected = Math.round(mediaTime * FRAMES_PER_SECOND) % SAMPLE_FRAMES;
  const distance = Math.abs(number - expected);
  assert.ok(
    Math.min(distance, SAMPLE_FRAMES - distance) <= PICTURE_TOLERANCE,
    `shows frame ${number} at ${mediaTime} s, where frame ${expected} belongs`,
  );
}

/** Several segments were played, and nothing is missing between them. */
async function assertOneRange(page: WatchedPage): Promise<void> {
  const { bufferedRanges } = await watchedOn(page);
  assert.equal(bufferedRanges.length, 1, `buffered: ${JSON.stringify(bufferedRanges)}`);
}

/** Whatever it waited for before, it plays on at the speed of the clock. */
async function assertRealTime(page: WatchedPage): Promise<void> {
  const paces: number[] = [];
  for (const endMs = performance.now() + PATIENCE_MS; performance.now() < endMs; ) {
    const pace = await paceOver(page, 2000);
    if (pace > 0.9 && pace < 1.1) return;
    paces.push(pace);
  }
  assert.fail(`plays at ${paces.join(', ')} times the real time`);
}

async function assertUndisturbed(page: WatchedPage, context: TestContext): Promise<void> {
  const { failures, longestStallMs } = await watchedOn(page);
  context.diagnostic(`longest stall: ${Math.round(longestStallMs)} ms`);
  assert.deepEqual(failures, []);
  assert.deepEqual(page.troubles, []);
  assert.ok(longestStallMs < LONGEST_STALL_MS, `stalled for ${longestStallMs} ms`);
  await page.context().close();
}
