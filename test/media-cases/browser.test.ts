/**
 * Kinds of files that people have, in Chromium: each lies in the library of a running server, and hls.js plays it.
 * `SLUICE_MEDIA_CASES=all` (`npm run media-cases`) takes all of docs/media-cases.md that play; otherwise a few that stand
 * for the others.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, BrowserContext } from 'playwright-core';
import type { HlsConfig } from 'hls.js';
import { bytesOf } from '../e2e/served-tracks.ts';
import { type RealServer, type ServerFolders, serverFolders, startServer } from '../e2e/real-server.ts';
import { hasMediaExtension } from '../../src/readers/file-types.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';
import { launchBrowser, skip } from '../web/site.ts';
import { CASES } from './cases.ts';
import { HEIGHT, type Kit, makeKit, SECONDS, WIDTH } from './kit.ts';
import { type Expected, isRefused } from './media-case.ts';

/** Shapes, clocks, codecs, fields, colours, damage, sound alone. */
const REPRESENTATIVE: ReadonlySet<string> = new Set([
  'turned by 90',
  'wide pixels',
  'one frame',
  'time stamps of MPEG-TS that wrap',
  'VP9',
  'interlaced, top field first',
  'HDR10',
  'damaged in the middle',
  'sound that outlasts the picture (mp4)',
  'MP3 with a cover picture',
]);
const isAll = process.env['SLUICE_MEDIA_CASES'] === 'all';
const run = CASES.filter(({ name, expected }) => !isRefused(expected) && (isAll || REPRESENTATIVE.has(name)));

/** Segments are made while they are waited for, by a machine that does other things as well. */
const PATIENCE_MS = 90_000;
/** A frame of sound on either side, and what decoders put in front of it. */
const SLACK_SECONDS = 0.15;
const HLS_JS = readFileSync(new URL('../../node_modules/hls.js/dist/hls.min.js', import.meta.url), 'utf8');

test('every representative is a case', () => {
  const names = new Set(CASES.map(({ name }) => name));
  assert.deepEqual(
    [...REPRESENTATIVE].filter((name) => !names.has(name)),
    [],
  );
});

describe('media cases in Chromium', { skip, concurrency: 2 }, () => {
  const cleanUp = new AsyncDisposableStack();
  let kit: Kit;
  let folders: ServerFolders;
  let server: RealServer;
  let browser: Browser;
  /** Nothing of the pages' own: hls.js is put into an empty one. */
  let context: BrowserContext;

  before(async () => {
    kit = await makeKit(cleanUp.use(await temporaryFolder()).path);
    folders = cleanUp.use(await serverFolders());
    server = cleanUp.use(await startServer(folders));
    browser = await launchBrowser();
    cleanUp.defer(() => browser.close());
    context = await browser.newContext({ bypassCSP: true });
  });

  after(() => cleanUp.disposeAsync());

  for (const mediaCase of run) {
    test(mediaCase.name, { timeout: 3 * PATIENCE_MS }, async () => {
      const expected = mediaCase.expected as Expected;
      const file = `${mediaCase.name}.${mediaCase.extension}`;
      const made = join(kit.folder, file);
      await mediaCase.make(kit, made);
      // At once as a whole, as files are that are moved into a library, which takes no pictures by their names.
      const name = hasMediaExtension(file) ? file : `${file}.mp4`;
      await rename(made, join(folders.library, name));
      const { playback, error } = await server.video(name);
      assert.equal(error, undefined);
      await bytesOf(playback.hls!);
      const page = await context.newPage();
      await page.goto(`${server.url}/healthz`);
      await page.evaluate(HLS_JS);
      const played = await page.evaluate(play, { url: playback.hls!, patienceMs: PATIENCE_MS });
      await page.close();
      judge(played, expected);
      await rm(join(folders.library, name));
    });
  }
});

type Played = {
  readonly errors: readonly string[];
  /** Whether it has begun, and gone on or ended. */
  readonly isPlaying: boolean;
  readonly time: number;
  readonly duration: number;
  readonly width: number;
  readonly height: number;
};

function judge(played: Played, expected: Expected): void {
  const { size = [WIDTH, HEIGHT] } = expected;
  const said = JSON.stringify(played);
  assert.deepEqual(played.errors, [], said);
  assert.ok(played.isPlaying, said);
  const [least, most] = secondsOf(expected);
  assert.ok(played.duration >= least - SLACK_SECONDS && played.duration <= most + SLACK_SECONDS, said);
  if (size === 'none') return assert.deepEqual([played.width, played.height], [0, 0]);
  // Qualities have even sides: the smaller, the further from the source's shape.
  const [ratio, wanted] = [played.width / played.height, size[0] / size[1]];
  assert.ok(Math.abs(ratio / wanted - 1) <= 2 / Math.min(played.width, played.height), said);
}

/** Least: the playlist of the picture. Most: with sound that outlasts it, which hls.js adds when it gets there. */
function secondsOf({ seconds, soundSeconds, size, beeps }: Expected): readonly [number, number] {
  const [picture, sound] = [boundsOf(seconds), boundsOf(soundSeconds)];
  if (beeps === 'none') return [picture[0]!, picture[1]!];
  if (size === 'none') return [sound[0]!, sound[1]!];
  return [picture[0]!, Math.max(picture[1]!, sound[1]!)];
}

function boundsOf(value: Expected['seconds'] = SECONDS): readonly number[] {
  return typeof value === 'number' ? [value, value] : value;
}

/** In the page: plays until its time has passed half a second, or it has ended. */
async function play({ url, patienceMs }: { url: string; patienceMs: number }): Promise<Played> {
  type Data = { fatal: boolean; type: string; details: string };
  type Player = {
    on(event: 'hlsError', listener: (event: string, data: Data) => void): void;
    loadSource(address: string): void;
    attachMedia(element: HTMLVideoElement): void;
    destroy(): void;
  };
  const { Hls } = globalThis as unknown as { Hls: new (options: Partial<HlsConfig>) => Player };
  const element = document.createElement('video');
  element.muted = true;
  document.body.append(element);
  const errors: string[] = [];
  element.addEventListener('error', () => errors.push(`media: ${element.error?.message}`));
  const hls = new Hls({ enableWorker: false });
  // What the network does not give at once, hls.js asks for again.
  hls.on('hlsError', (_, { fatal, type, details }) => {
    if (fatal || type === 'mediaError') errors.push(`${fatal ? 'fatal ' : ''}${type}: ${details}`);
  });
  let hasBegun = false;
  element.addEventListener('playing', () => (hasBegun = true));
  hls.loadSource(url);
  hls.attachMedia(element);
  element.play().catch((error: unknown) => errors.push(`play: ${String(error)}`));
  const end = performance.now() + patienceMs;
  // Of what is hardly longer than a frame, the end is as good.
  const isThrough = (): boolean =>
    hasBegun && (element.ended || element.currentTime >= Math.min(0.5, element.duration / 2));
  while (!isThrough() && errors.length === 0 && performance.now() < end)
    await new Promise((resolve) => setTimeout(resolve, 30));
  const { currentTime: time, duration, videoWidth: width, videoHeight: height } = element;
  const isPlaying = isThrough();
  hls.destroy();
  return { errors, isPlaying, time, duration, width, height };
}
