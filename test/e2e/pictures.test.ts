/** Posters and storyboards of the whole program: over HTTP, and as a viewer meets them in a browser. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { crop, decodeJpeg } from '../jpeg.ts';
import { readFrameNumber } from '../fixtures/picture.ts';
import { makeSource } from '../fixtures/source.ts';
import { untilPlayer } from '../web/player-page.ts';
import { launchBrowser, newPage, skip as skipWithoutBrowser } from '../web/site.ts';
import { bytesOf } from './served-tracks.ts';
import {
  type ApiVideo,
  type RealServer,
  type ServerFolders,
  serverFolders,
  startServer,
  until,
} from './real-server.ts';
import { objectsFolder } from './shared-deployment.ts';

const RATE = 10;
const SECONDS = 12;
const SIZE = { width: 320, height: 180 };
const PATIENCE_MS = 30_000;

suite('pictures', { timeout: 180_000 }, () => {
  const cleanUp = new AsyncDisposableStack();
  let folders: ServerFolders;
  let server: RealServer;
  let objects: string;
  let film: ApiVideo;

  before(async () => {
    folders = cleanUp.use(await serverFolders());
    const picture = { kind: 'video', seconds: SECONDS, ...SIZE, frameRate: { num: RATE, den: 1 } } as const;
    await makeSource(join(folders.library, 'film.mp4'), [picture]);
    await makeSource(join(folders.library, 'song.mp4'), [{ kind: 'audio', seconds: 2 }]);
    for (const [folder, type] of [
      ['package', 'fmp4'],
      ['stream', 'mpegts'],
    ] as const) {
      await mkdir(join(folders.library, folder));
      await makeSource(join(folders.library, folder, 'main.m3u8'), [picture], {
        format: 'hls',
        options: { hls_time: '2', hls_playlist_type: 'vod', hls_segment_type: type },
      });
    }
    // Of uploads alone; what lies in the library waits for somebody to watch.
    server = cleanUp.use(await startServer(folders, { SLUICE_ENCODE: 'eager' }));
    objects = await objectsFolder(folders.data);
    film = await server.video('film.mp4');
  });
  after(() => cleanUp.disposeAsync());

  const posterUrl = (video: ApiVideo): string => `${server.url}/api/v1/videos/${video.id}/poster`;

  async function put(video: ApiVideo, body: unknown, type?: string) {
    const isJson = typeof body === 'object' && body?.constructor === Object;
    const contentType = isJson ? 'application/json' : type;
    const response = await fetch(posterUrl(video), {
      method: 'PUT',
      body: (isJson ? JSON.stringify(body) : body) as NonNullable<RequestInit['body']>,
      ...(contentType === undefined ? {} : { headers: { 'Content-Type': contentType } }),
      ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
    });
    return { status: response.status, json: (await response.json()) as ApiVideo & { code?: string } };
  }

  const reset = async (video: ApiVideo) =>
    (await (await fetch(posterUrl(video), { method: 'DELETE' })).json()) as ApiVideo;

  for (const name of ['film.mp4', 'package/main.m3u8', 'stream/main.m3u8']) {
    test(`a storyboard shows each second of the video: ${name}`, () => assertStoryboard(name));
  }

  async function assertStoryboard(name: string): Promise<void> {
    const video = await server.video(name);
    const answer = await fetch(video.playback.storyboard!);
    assert.equal(answer.headers.get('content-type'), 'text/vtt; charset=utf-8');
    assert.equal(answer.headers.get('cache-control'), 'no-cache');
    const cues = (await answer.text()).trimEnd().split('\n\n').slice(1);
    assert.equal(cues.length, SECONDS);
    const sheets = new Map<string, ReturnType<typeof decodeJpeg>>();
    for (const [second, cue] of cues.entries()) {
      const [address = '', area = ''] = cue.split('\n')[1]!.split('#xywh=');
      const url = new URL(address, video.playback.storyboard).href;
      const sheet = sheets.get(url) ?? decodeJpeg(await bytesOf(url));
      sheets.set(url, sheet);
      const [x = 0, y = 0, width = 0, height = 0] = area.split(',').map(Number);
      assert.equal(readFrameNumber(crop(sheet, x, y, width, height).luma, width, height), second * RATE);
    }
    assert.equal(sheets.size, 1);
    const [url] = sheets.keys();
    assert.match((await fetch(url!)).headers.get('cache-control') ?? '', /immutable/);
    for (const path of ['storyboard/x/0.jpg', 'storyboard', 'storyboard/0.jpg', 'storyboard.vtt/0'])
      assert.equal((await fetch(new URL(path, video.playback.storyboard))).status, 404, path);
    assert.equal((await fetch(url!.replace('/0.jpg', '/1.jpg'))).status, 404);
  }

  test('what has no picture has none, and a package has a poster', async () => {
    const song = await server.video('song.mp4');
    assert.deepEqual([song.playback.poster, song.playback.storyboard], [undefined, undefined]);
    const made = await server.video('package/main.m3u8');
    assert.ok((await posterNumber(made)) >= 0);
    for (const name of ['poster.jpg', 'storyboard.vtt'])
      assert.equal((await fetch(`${server.url}/v/${song.id}/${name}`)).status, 404, name);
  });

  test('a poster is chosen by time, also of a package, and given up again', async () => {
    for (const video of [film, await server.video('package/main.m3u8')]) {
      const address = video.playback.poster!;
      const automatic = await posterNumber(video);
      const chosen = await put(video, { timeSeconds: 7.3 });
      assert.equal(chosen.status, 200);
      assert.notEqual(chosen.json.playback.poster, address);
      assert.equal(await posterNumber(chosen.json), 73, video.source.name);
      // The plain address shows it as well, and is asked for anew each time.
      const plain = await fetch(address);
      assert.equal(plain.headers.get('cache-control'), 'no-cache');
      assert.deepEqual(
        new Uint8Array(await plain.arrayBuffer()),
        await bytesOf(chosen.json.playback.poster!),
      );
      const other = await put(video, { timeSeconds: 2 });
      assert.notEqual(other.json.playback.poster, chosen.json.playback.poster);
      assert.equal(await posterNumber(other.json), 20);
      const given = await reset(video);
      assert.equal(given.playback.poster, address);
      assert.equal(await posterNumber(given), automatic);
    }
    assert.deepEqual(await readdir(join(objects, 'posters')).catch(() => []), []);
  });

  test('a poster is sent as bytes or in a form, also for sound alone', async () => {
    const poster = await bytesOf(film.playback.poster!);
    const song = await server.video('song.mp4');
    const form = new FormData();
    form.set('file', new Blob([Uint8Array.from(poster)]), 'cover.jpg');
    for (const [body, type] of [
      [poster, 'image/jpeg'],
      [poster, 'application/octet-stream'],
      [form, undefined],
    ] as const) {
      const { status, json } = await put(song, body, type);
      assert.equal(status, 200);
      assert.equal(await posterNumber(json), await posterNumber(film));
      assert.equal((await reset(song)).playback.poster, undefined);
    }
  });

  test('what is no poster is refused with a code, and changes nothing', async () => {
    const code = async (answer: ReturnType<typeof put>) => {
      const { status, json } = await answer;
      return `${status} ${json.code}`;
    };
    for (const timeSeconds of [SECONDS, 1e12, -1, '3', null])
      assert.equal(await code(put(film, { timeSeconds })), '400 invalid_request', String(timeSeconds));
    assert.equal(await code(put(film, {})), '400 invalid_request');
    assert.equal(await code(put(film, '{', 'application/json')), '400 invalid_request');
    assert.equal(await code(put(film, new FormData())), '400 invalid_request');
    assert.equal(await code(put(film, '<svg/>', 'image/svg+xml')), '415 unsupported_media_type');
    assert.equal(await code(put(film, '<svg/>', 'image/png')), '415 unsupported_media_type');
    assert.equal(await code(put(film, '', 'image/png')), '422 source_empty');
    assert.equal(
      await code(put(film, new Uint8Array([0xff, 0xd8, 0xff]), 'image/jpeg')),
      '422 source_damaged',
    );
    assert.equal(await code(put(film, new Uint8Array(20_000_001), 'image/jpeg')), '413 source_too_large');
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) });
    assert.equal(await code(put(film, endless, 'image/jpeg')), '413 source_too_large');
    const song = await server.video('song.mp4');
    assert.equal(await code(put(song, { timeSeconds: 1 })), '404 not_found');
    const nobody = { ...film, id: `vid_${'0'.repeat(32)}` };
    assert.equal(await code(put(nobody, { timeSeconds: 1 })), '404 not_found');
    assert.equal((await fetch(posterUrl(nobody), { method: 'DELETE' })).status, 404);
    assert.equal((await server.video('film.mp4')).playback.poster, film.playback.poster);
  });

  test('of several who choose at once one has chosen, and nothing is left of the others', async () => {
    const answers = await Promise.all([1, 3, 5, 7].map((timeSeconds) => put(film, { timeSeconds })));
    assert.ok(answers.every(({ status }) => status === 200));
    const { playback } = await server.video('film.mp4');
    assert.ok(answers.some(({ json }) => json.playback.poster === playback.poster));
    const stored = await readdir(join(objects, 'posters', film.id));
    assert.deepEqual(stored, [`${playback.poster!.split('?v=')[1]}.jpg`]);
    await reset(film);
  });

  test('an upload has its pictures made behind its segments, and loses them with itself', async () => {
    const form = new FormData();
    form.set('file', new Blob([await readFile(join(folders.library, 'film.mp4'))]), 'film.mp4');
    const sent = await fetch(`${server.url}/api/v1/videos`, { method: 'POST', body: form });
    const upload = (await sent.json()) as ApiVideo;
    const pictures = async () =>
      (await readdir(objects, { recursive: true })).filter(
        (name) => name.includes(upload.id) && name.endsWith('.jpg'),
      );
    const made = await until('the pictures are made', PATIENCE_MS, async () => {
      const names = await pictures();
      return names.length === 2 ? names : undefined;
    });
    assert.ok(made.every((name) => name.startsWith(join('segments', upload.id))));
    assert.equal((await put(upload, { timeSeconds: 1 })).status, 200);
    assert.equal((await pictures()).length, 3);
    const removed = await fetch(`${server.url}/api/v1/videos/${upload.id}`, { method: 'DELETE' });
    assert.equal(removed.status, 204);
    await until('they are gone', PATIENCE_MS, async () => (await pictures()).length === 0 || undefined);
  });

  suite('in a browser', { skip: skipWithoutBrowser }, () => {
    let browser: Browser;
    before(async () => {
      browser = await launchBrowser();
      cleanUp.defer(() => browser.close());
    });

    for (const path of ['watch', 'embed']) {
      test(`the seek bar shows what is there: ${path}`, async () => {
        const page = await newPage(browser, server.url, { viewport: { width: 1000, height: 800 } });
        await page.goto(`${server.url}/${path}/${film.id}`);
        const seek = page.getByTestId('seek');
        await seek.waitFor();
        await until('the thumbnail shows', PATIENCE_MS, async () => {
          const box = await seek.boundingBox();
          assert.ok(box !== null);
          // Moved each time: the track with the addresses may not have been there before.
          await page.mouse.move(box.x + box.width / 2 + Math.random() * 4, box.y + box.height / 2);
          const shown = await seek.evaluate((bar) => {
            const preview = bar.shadowRoot?.querySelector('media-preview-thumbnail');
            const image = preview?.shadowRoot?.querySelector('img');
            const isSeen = image?.checkVisibility({ opacityProperty: true, visibilityProperty: true });
            return isSeen && image?.complete ? image.naturalWidth : 0;
          });
          return shown === 800 ? true : undefined;
        });
        assert.deepEqual(page.troubles, []);
        await page.context().close();
      });
    }

    test('the frame on screen becomes the poster, here and in the library', async () => {
      const page = await newPage(browser, server.url, { viewport: { width: 1200, height: 900 } });
      await page.goto(`${server.url}/watch/${film.id}?start=5`);
      await untilPlayer(page, ({ seconds }) => seconds === 5, PATIENCE_MS);
      await page.getByTestId('poster-frame').click();
      await page.getByTestId('poster-reset').waitFor();
      const changed = await server.video('film.mp4');
      assert.equal(await posterNumber(changed), 50);
      const { pathname, search } = new URL(changed.playback.poster!);
      await page.locator(`[data-testid=poster-choice] img[src="${pathname}${search}"]`).waitFor();
      await page.getByTestId('back').click();
      await page.locator(`[data-testid=card] img[src="${pathname}${search}"]`).first().waitFor();
      await page.goBack();
      await page.getByTestId('poster-reset').click();
      await page.getByTestId('poster-reset').waitFor({ state: 'detached' });
      // A picture of one's own, and one that is none.
      const choose = async (name: string, buffer: Buffer) => {
        const [dialog] = await Promise.all([
          page.waitForEvent('filechooser'),
          page.getByTestId('poster-upload').click(),
        ]);
        await dialog.setFiles({ name, mimeType: 'image/png', buffer });
      };
      await choose('text.png', Buffer.from('hello'));
      await page.getByTestId('poster-problem').waitFor();
      await choose('cover.jpg', Buffer.from(await bytesOf(film.playback.poster!)));
      await page.getByTestId('poster-reset').waitFor();
      await page.context().close();
    });
  });
});

/** The number of the frame that the poster shows. */
async function posterNumber({ playback }: ApiVideo): Promise<number> {
  const { luma, width, height } = decodeJpeg(await bytesOf(playback.poster!));
  assert.deepEqual([width, height], [320, 180]);
  return readFrameNumber(luma, width, height);
}
