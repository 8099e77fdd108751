/** A film with an English sound in 5.1, a German one in mono and a commentary: as it is listed, encoded and heard. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import type { SluicePlayer } from '../../web/player/element.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';
import { requireTool } from '../tools.ts';
import { choose, untilPlayer } from '../web/player-page.ts';
import { launchBrowser, newPage, skip as skipWithoutBrowser } from '../web/site.ts';
import { skipWithoutFfmpeg } from './judge.ts';
import { type RealServer, serverFolders, startServer } from './real-server.ts';
import { bytesOf, hlsTracks, type ServedTrack } from './served-tracks.ts';

const run = promisify(execFile);
const ffmpeg = requireTool('ffmpeg');

const NAME = 'film.mkv';
const SOUND_NAME = 'song.opus';
/** Two segments. */
const SECONDS = 6;
/** What each channel of the English sound holds: front left and right, centre, LFE, back left and right. */
const ENGLISH_HZ = [500, 700, 300, 60, 1100, 1300];
const GERMAN_HZ = 2000;
const COMMENTARY_HZ = 3000;
const ALL_HZ = [...ENGLISH_HZ, GERMAN_HZ, COMMENTARY_HZ];
/** As loud as it gets: added up without care, two channels would clip. */
const AMPLITUDE = 0.9;
const PATIENCE_MS = 60_000;

describe('several sounds', { skip: skipWithoutFfmpeg, timeout: 300_000 }, () => {
  const cleanUp = new AsyncDisposableStack();
  let scratch: string;
  let server: RealServer;
  let film: Film;

  before(async () => {
    scratch = cleanUp.use(await temporaryFolder()).path;
    await makeFilm(join(scratch, NAME));
    await makeSoundAlone(join(scratch, SOUND_NAME));
    const folders = cleanUp.use(await serverFolders([join(scratch, NAME), join(scratch, SOUND_NAME)]));
    server = cleanUp.use(await startServer(folders, { SLUICE_ENCODE: 'eager' }));
    film = await filmOf(server, (await server.video(NAME)).id);
  });

  after(() => cleanUp.disposeAsync());

  test('are listed with language, title, role and layout, and one is default', () => {
    const listed = film.tracks.filter(({ kind }) => kind === 'audio');
    assert.deepEqual(
      listed.map(({ id, soundId, label, channels }) => [id, soundId, label, channels]),
      [
        ['a1', 'a1', 'English', 2],
        ['a2', 'a2', 'Deutsch', 2],
        ['a3', 'a3', 'Director', 2],
        ['a1s', 'a1', 'English 5.1', 6],
      ],
    );
    assert.deepEqual(
      listed.map(({ language, role, isDefault }) => [language, role, isDefault]),
      [
        ['en', undefined, true],
        ['de', undefined, false],
        ['en', 'commentary', false],
        ['en', undefined, true],
      ],
    );
  });

  test('come out whole, each channel in its place, and nothing clips', async () => {
    const tracks = await tracksOf(film);
    const tonesOf = async (id: string, channels: number): Promise<readonly number[]> => {
      const file = join(scratch, `${id}.mp4`);
      await writeFile(file, Buffer.concat(await bytesOfTrack(tracks.get(id)!)));
      const planes = await decoded(file, channels);
      for (const plane of planes) {
        assert.ok(Math.abs(plane.length / 48_000 - SECONDS) < 0.06, `${id} lasts ${plane.length} samples`);
        assert.ok(
          plane.every((sample) => Math.abs(sample) <= 1),
          `${id} clips`,
        );
        assert.ok(loudness(plane.subarray(0, 48_000)) > 0.1, `${id} begins with silence`);
      }
      return planes.map(loudestTone);
    };
    assert.deepEqual(await tonesOf('a1s', 6), ENGLISH_HZ);
    assert.deepEqual(await tonesOf('a1', 2), ENGLISH_HZ.slice(0, 2));
    assert.deepEqual(await tonesOf('a2', 2), [GERMAN_HZ, GERMAN_HZ]);
    assert.deepEqual(await tonesOf('a3', 2), [COMMENTARY_HZ, COMMENTARY_HZ]);
  });

  test('are all encoded behind an upload, to the same bytes as for a viewer', async () => {
    const uploaded = await upload(server, join(scratch, NAME));
    const [here, there] = [await tracksOf(film), await tracksOf(uploaded)];
    for (const id of ['a1', 'a2', 'a3', 'a1s']) {
      const [onDemand, behind] = await Promise.all([here, there].map((all) => bytesOfTrack(all.get(id)!)));
      assert.ok(Buffer.compare(Buffer.concat(onDemand!), Buffer.concat(behind!)) === 0, id);
    }
  });

  describe('in a browser', { skip: skipWithoutBrowser }, () => {
    let browser: Browser;
    before(async () => {
      browser = await launchBrowser();
      cleanUp.defer(() => browser.close());
    });

    for (const format of ['hls', 'dash'] as const) {
      test(`sound alone plays, and nothing is chosen from: ${format}`, async () => {
        const { id } = await server.video(SOUND_NAME);
        const page = await newPage(browser, server.url, { viewport: { width: 800, height: 600 } });
        await page.addInitScript((wish) => localStorage.setItem('sluice.format', wish), format);
        await page.goto(`${server.url}/watch/${id}`);
        await begin(page);
        await untilHeard(page, [GERMAN_HZ]);
        const { sounds, duration } = await untilPlayer(page, (player) => player.duration > 0);
        assert.ok(sounds.length <= 1);
        assert.ok(Math.abs(duration - SECONDS) < 0.05, `${duration} s`);
        assert.deepEqual(page.troubles, []);
        await page.context().close();
      });

      test(`are chosen in the menu and heard, and the language is remembered: ${format}`, async () => {
        const page = await newPage(browser, server.url, { viewport: { width: 800, height: 600 } });
        const surround: string[] = [];
        page.on('request', (request) => request.url().includes('/a1s/') && surround.push(request.url()));
        await page.addInitScript((wish) => localStorage.setItem('sluice.format', wish), format);
        await page.goto(`${server.url}/watch/${film.id}`);
        await begin(page);
        await untilHeard(page, ENGLISH_HZ);
        assert.deepEqual(surround, [], 'surround without asking');
        const { sounds } = await untilPlayer(page, ({ sound }) => sound?.channels === 2, PATIENCE_MS);
        assert.deepEqual(sounds.map(({ name, channels }) => [name, channels]).toSorted(), [
          ['Deutsch', 2],
          ['Director', 2],
          ['English', 2],
          ['English', 6],
        ]);

        await choose(page, 'sound', 'Director');
        await untilHeard(page, [COMMENTARY_HZ]);
        await choose(page, 'sound', 'English · 5.1');
        await untilPlayer(page, ({ sound }) => sound?.channels === 6, PATIENCE_MS);
        await untilHeard(page, ENGLISH_HZ);
        assert.notEqual(surround.length, 0);
        const { qualities } = await untilPlayer(page, (player) => player.qualities.length > 0);
        assert.equal(new Set(qualities.map(({ label }) => label)).size, qualities.length, 'a quality twice');
        await choose(page, 'sound', 'Deutsch');
        await untilHeard(page, [GERMAN_HZ]);

        await page.reload();
        await begin(page);
        await untilHeard(page, [GERMAN_HZ]);
        assert.deepEqual(page.troubles, []);
        await page.context().close();
      });
    }
  });
});

type Film = {
  readonly id: string;
  readonly status: string;
  readonly tracks: readonly Readonly<Record<string, unknown>>[];
  readonly playback: { readonly hls: string };
};

function toneInput(tones: readonly number[], layout: string): string {
  const waves = tones.map((hz) => `${AMPLITUDE}*sin(2*PI*${hz}*t)`);
  return `-f lavfi -t ${SECONDS} -i aevalsrc=${waves.join('|')}:s=48000:c=${layout}`;
}

/** Its picture begins a moment after its sound and has one keyframe: the beginning must be found all the same. */
async function makeFilm(path: string): Promise<void> {
  const options =
    `-v error -itsoffset 0.04 -f lavfi -i testsrc2=s=320x180:r=25:d=${SECONDS} ` +
    `${toneInput([COMMENTARY_HZ], 'mono')} ${toneInput(ENGLISH_HZ, '5.1')} ${toneInput([GERMAN_HZ], 'mono')} ` +
    '-map 0 -map 1 -map 2 -map 3 -c:v libx264 -preset ultrafast -g 999 -pix_fmt yuv420p -c:a flac ' +
    '-metadata:s:a:0 language=eng -metadata:s:a:0 title=Director ' +
    '-metadata:s:a:1 language=eng -metadata:s:a:2 language=ger ' +
    '-disposition:a:0 default+comment -disposition:a:1 default -disposition:a:2 0';
  await run(ffmpeg.path, [...options.split(' '), path]);
}

async function makeSoundAlone(path: string): Promise<void> {
  const options = `-v error ${toneInput([GERMAN_HZ], 'mono')} -c:a libopus`;
  await run(ffmpeg.path, [...options.split(' '), path]);
}

async function filmOf(server: RealServer, id: string): Promise<Film> {
  return (await (await fetch(`${server.url}/api/v1/videos/${id}`)).json()) as Film;
}

/** Uploads the file and waits until everything is encoded. */
async function upload(server: RealServer, path: string): Promise<Film> {
  const form = new FormData();
  form.set('file', new Blob([await readFile(path)]), 'uploaded.mkv');
  const { id } = (await (
    await fetch(`${server.url}/api/v1/videos`, { method: 'POST', body: form })
  ).json()) as Film;
  const end = Date.now() + 2 * PATIENCE_MS;
  for (;;) {
    const video = await filmOf(server, id);
    if (video.status === 'ready') return video;
    assert.ok(video.status !== 'failed' && Date.now() < end, JSON.stringify(video));
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function tracksOf({ playback }: Film): Promise<ReadonlyMap<string, ServedTrack>> {
  return new Map((await hlsTracks(playback.hls)).map((track) => [track.id, track]));
}

async function bytesOfTrack({ init, segments }: ServedTrack): Promise<Uint8Array[]> {
  const parts = [await bytesOf(init)];
  for (const { url } of segments) parts.push(await bytesOf(url));
  return parts;
}

/** The samples of each channel. */
async function decoded(file: string, channels: number): Promise<readonly Float32Array[]> {
  const { stdout } = await run(ffmpeg.path, ['-v', 'error', '-i', file, '-f', 'f32le', '-'], {
    encoding: 'buffer',
    maxBuffer: 64 * 1024 * 1024,
  });
  const samples = Array.from({ length: stdout.length / 4 }, (_, index) => stdout.readFloatLE(index * 4));
  const planes = Array.from({ length: channels }, () => [] as number[]);
  samples.forEach((sample, index) => planes[index % channels]!.push(sample));
  return planes.map((plane) => Float32Array.from(plane));
}

function loudness(samples: Float32Array): number {
  return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
}

/** Which of the tones is the loudest in the second after the first join. */
function loudestTone(samples: Float32Array): number {
  const second = samples.subarray(4 * 48_000, 5 * 48_000);
  const powers = ALL_HZ.map((hz) => {
    let [re, im] = [0, 0];
    second.forEach((sample, index) => {
      const angle = (2 * Math.PI * hz * index) / 48_000;
      re += sample * Math.cos(angle);
      im += sample * Math.sin(angle);
    });
    return re * re + im * im;
  });
  return ALL_HZ[powers.indexOf(Math.max(...powers))]!;
}

/** Plays from the start, over and over, and listens. */
async function begin(page: Page): Promise<void> {
  await untilPlayer(page, ({ duration }) => duration > 0, PATIENCE_MS);
  await page.getByTestId('big-play').click();
  await page.evaluate(async () => {
    const { media } = document.querySelector<HTMLElement>('sluice-player') as unknown as SluicePlayer;
    media.loop = true;
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 8192;
    context.createMediaElementSource(media).connect(analyser);
    await context.resume();
    Object.assign(window, { analyser });
  });
}

/** Waits until the loudest tone is one of `tones`. */
async function untilHeard(page: Page, tones: readonly number[]): Promise<void> {
  await page.waitForFunction(
    (wanted) => {
      const { analyser } = window as unknown as { analyser: AnalyserNode };
      const levels = new Float32Array(analyser.frequencyBinCount);
      analyser.getFloatFrequencyData(levels);
      const loudest = Math.max(...levels);
      const hz = (levels.indexOf(loudest) * analyser.context.sampleRate) / analyser.fftSize;
      return loudest > -60 && wanted.some((tone) => Math.abs(hz - tone) < 40);
    },
    tones,
    { timeout: PATIENCE_MS, polling: 100 },
  );
}
