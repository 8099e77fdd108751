/**
 * Films whose tracks do not end together, in a browser: a picture that stands still for an hour of sound, and sound that
 * ends minutes before the picture. Players neither play nor seek behind the end of a track (docs/decisions/130).
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { temporaryFolder } from '../storage/temporary-folder.ts';
import { requireTool } from '../tools.ts';
import { untilPlayer } from '../web/player-page.ts';
import { launchBrowser, newPage, skip } from '../web/site.ts';
import { type RealServer, serverFolders, startServer } from './real-server.ts';
import { hlsTracks } from './served-tracks.ts';

const ffmpeg = requireTool('ffmpeg');

const HOUR = 3600;
const FILM_SECONDS = 240;
const SOUND_SECONDS = 20;
/** Read again and again, an hour of packets would take several times as long, even on an idle machine. */
const INSPECTION_SECONDS = 15;

describe('tracks that do not end together', { skip, timeout: 170_000 }, () => {
  const cleanUp = new AsyncDisposableStack();
  let server: RealServer;
  let browser: Browser;

  before(async () => {
    const folder = cleanUp.use(await temporaryFolder()).path;
    const files = ['minute.m4a', 'still.mp4', 'still.mkv', 'film.mp4'].map((name) => join(folder, name));
    const [minute, still, matroska, film] = files;
    const picture = 'testsrc=size=320x180:rate=25:duration';
    const video = '-c:v libx264 -preset ultrafast -pix_fmt yuv420p';
    const sound = '-f lavfi -i sine=sample_rate=16000:duration';
    await runFfmpeg(`${sound}=60 -c:a aac -b:a 32k`, minute!);
    const hour = `-stream_loop 59 -i ${minute} -c:a copy -t ${HOUR}`;
    await runFfmpeg(`-f lavfi -i ${picture}=0.04 ${hour} ${video}`, still!);
    await runFfmpeg(`-i ${still} -c copy`, matroska!);
    await runFfmpeg(
      `-f lavfi -i ${picture}=${FILM_SECONDS} ${sound}=${SOUND_SECONDS} ${video} -c:a aac`,
      film!,
    );
    const folders = cleanUp.use(await serverFolders([still!, matroska!, film!]));
    server = cleanUp.use(await startServer(folders));
    browser = await launchBrowser();
    cleanUp.defer(() => browser.close());
  });

  after(() => cleanUp.disposeAsync());

  for (const name of ['still.mp4', 'still.mkv']) {
    test(`an hour of sound with one picture plays and ends: ${name}`, async () => {
      const asked = performance.now();
      await server.video(name);
      const seconds = (performance.now() - asked) / 1000;
      assert.ok(seconds < INSPECTION_SECONDS, `inspected in ${seconds} s`);
      await playTo(name, HOUR, [HOUR / 2, HOUR / 2 + 1]);
    });
  }

  test('a film plays on where its sound has ended', () =>
    playTo('film.mp4', FILM_SECONDS, [SOUND_SECONDS - 2, SOUND_SECONDS + 2]));

  /** Its beginning, from one place to another, and the end. */
  async function playTo(name: string, seconds: number, between: readonly [number, number]): Promise<void> {
    const { id, durationSeconds, playback } = await server.video(name);
    assert.ok(Math.abs(durationSeconds! - seconds) < 0.1, `${durationSeconds} s`);
    const tracks = await hlsTracks(playback.hls!);
    for (const { segments } of tracks) assert.equal(segments.length, tracks[0]!.segments.length);
    const page = await newPage(browser, server.url, { viewport: { width: 800, height: 600 } });
    await page.goto(`${server.url}/watch/${id}`);
    await page.getByTestId('big-play').click();
    const { duration } = await untilPlayer(page, (player) => player.seconds > 1);
    assert.ok(Math.abs(duration - seconds) < 0.1, `${duration} s`);
    for (const [from, to] of [between, [seconds - 2, seconds - 1]]) {
      await page.getByTestId('media').evaluate((media, at) => {
        (media as HTMLMediaElement).currentTime = at!;
      }, from);
      await untilPlayer(page, (player) => player.seconds > to! && player.pictureHeight > 0);
    }
    await untilPlayer(page, ({ ended }) => ended);
    assert.deepEqual(page.troubles, []);
    await page.context().close();
  }
});

function runFfmpeg(options: string, path: string): Promise<unknown> {
  return promisify(execFile)(ffmpeg.path, ['-v', 'error', ...options.split(' '), path]);
}
