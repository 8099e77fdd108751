/** Captions of library videos: inside of files and beside them, as players get them. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual, promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { requireTool } from '../tools.ts';
import { captionsOnScreen, choose, playerOf, untilPlayer } from '../web/player-page.ts';
import { launchBrowser, newPage, skip } from '../web/site.ts';
import { type RealServer, type ServerFolders, serverFolders, startServer } from './real-server.ts';

/** Encoding, and reading texts, on a busy machine. */
const PATIENCE_MS = 60_000;

const ffmpeg = requireTool('ffmpeg');
const run = promisify(execFile);

type ListedCaption = {
  readonly language: string;
  readonly label: string;
  readonly kind: string;
  readonly origin: string;
  readonly isForced: boolean;
  readonly url: string;
};

const SUBRIP = `1
00:00:01,000 --> 00:00:02,500
First <i>line</i>

2
00:00:03,000 --> 00:00:04,000
Second
`;
const SUBSTATION = `[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, Alignment
Style: Default,Arial,20,&H00FFFFFF,2

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:01.50,0:00:02.50,Default,,0,0,0,,{\\an8}Hallo, {\\b1}Welt{\\b0}\\Nunten
Dialogue: 1,0:00:01.50,0:00:02.50,Default,,0,0,0,,{\\an8}Hallo, {\\b1}Welt{\\b0}\\Nunten
Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,{\\p1}m 0 0 l 1 1{\\p0}
`;

suite('captions of library videos', { skip: ffmpeg.skip }, () => {
  let folders: ServerFolders;
  let server: RealServer;
  before(async () => {
    folders = await serverFolders();
    await makeSources(folders.library);
    server = await startServer(folders);
  });
  after(async () => {
    await server?.[Symbol.asyncDispose]();
    await folders?.[Symbol.asyncDispose]();
  });

  async function captionsOf(source: string): Promise<readonly ListedCaption[]> {
    const { id } = await server.video(source);
    const response = await fetch(`${server.url}/api/v1/videos/${id}`);
    return ((await response.json()) as { captions: ListedCaption[] }).captions;
  }

  /** Waits until `holds` does. */
  async function captionsWhen(
    source: string,
    holds: (captions: readonly ListedCaption[]) => boolean,
  ): Promise<readonly ListedCaption[]> {
    for (let attempts = 0; attempts < 300; attempts++) {
      const captions = await captionsOf(source);
      if (holds(captions)) return captions;
      await sleep(200);
    }
    assert.fail(`${source}: ${JSON.stringify(await captionsOf(source))}`);
  }

  test('inside Matroska: SubRip and SubStation, from the start of the film on', async () => {
    const captions = await captionsOf('inside.mkv');
    assert.deepEqual(captions.map(described), [
      'en English source subtitles',
      'de Schilder source subtitles forced',
      'fr français (CC) source captions',
    ]);
    const [english, german] = await Promise.all(captions.map(({ url }) => cuesAt(url)));
    assert.deepEqual(english, [
      '00:00:01.000 --> 00:00:02.500\nFirst <i>line</i>',
      '00:00:03.000 --> 00:00:04.000\nSecond',
    ]);
    assert.deepEqual(german, ['00:00:01.500 --> 00:00:02.500 line:0\nHallo, <b>Welt</b>\nunten']);
  });

  test('inside MP4: timed text', async () => {
    const captions = await captionsOf('inside.mp4');
    assert.deepEqual(captions.map(described), ['es español source subtitles']);
    assert.deepEqual(await cuesAt(captions[0]!.url), [
      '00:00:01.000 --> 00:00:02.500\nFirst <i>line</i>',
      '00:00:03.000 --> 00:00:04.000\nSecond',
    ]);
  });

  test('in transport streams their time 0 is where the clock says presentation begins', async () => {
    const { playback } = await server.video('inside.mp4');
    const main = await (await fetch(playback.hlsTs!)).text();
    const [, uri] = /TYPE=SUBTITLES.*LANGUAGE="es".*URI="(.*?)"/.exec(main) ?? [];
    const playlist = new URL(uri!, playback.hlsTs);
    const [textUri] = (await (await fetch(playlist)).text())
      .split('\n')
      .filter((line) => line.endsWith('.vtt'));
    const address = new URL(textUri!, playlist).href;
    const text = await (await fetch(address)).text();
    assert.ok(text.startsWith('WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000\n\n'), text);
    assert.deepEqual(await cuesAt(address), await cuesAt((await captionsOf('inside.mp4'))[0]!.url));
  });

  test('FFmpeg reads the film with them, and each playlist of theirs at its times', async () => {
    const { playback } = await server.video('inside.mkv');
    // Its demuxer knows no Renditions of subtitles, and must not stumble over them.
    const counted = await run(ffmpeg.path, ['-v', 'error', '-i', playback.hls!, '-f', 'framecrc', '-']);
    assert.equal(counted.stderr, '');
    assert.equal(counted.stdout.split('\n').filter((line) => line.startsWith('0, ')).length, 125);
    const main = await (await fetch(playback.hls!)).text();
    const [, uri] = /TYPE=SUBTITLES.*LANGUAGE="en".*URI="(.*?)"/.exec(main) ?? [];
    const playlist = new URL(uri!, playback.hls).href;
    const { stdout } = await run(ffmpeg.path, ['-v', 'error', '-i', playlist, '-f', 'srt', '-']);
    assert.match(
      stdout,
      /00:00:01,000 --> 00:00:02,500\nFirst <i>line<\/i>\n[^]*00:00:03,000 --> 00:00:04,000\nSecond/,
    );
  });

  test('the player shows them, through hls.js and through DASH, and remembers', { skip }, async () => {
    const browser = await launchBrowser();
    try {
      const { id } = await server.video('inside.mkv');
      const page = await newPage(browser, server.url);
      await page.goto(`${server.url}/watch/${id}?start=1.7`);
      await untilPlayer(page, ({ captions }) => captions.length === 3, PATIENCE_MS);
      // The sound is German: what is forced in that language comes by itself, in every engine.
      await untilShown(page, 'Hallo, <b>Welt</b>\nunten');
      await choose(page, 'format', 'DASH');
      await untilPlayer(page, ({ captions }) => captions.length === 3, PATIENCE_MS);
      await untilShown(page, 'Hallo, <b>Welt</b>\nunten');
      await page.keyboard.press('c');
      assert.equal((await playerOf(page)).shownCaptions, 'English');
      await untilShown(page, 'First <i>line</i>');
      await choose(page, 'captions', 'Schilder');
      await untilShown(page, 'Hallo, <b>Welt</b>\nunten');
      // From one engine to the other and back, the browser shows these and no others.
      for (const format of ['HLS (MPEG-TS)', 'HLS', 'DASH']) {
        await choose(page, 'format', format);
        await untilPlayer(page, ({ captions }) => captions.length === 3, PATIENCE_MS);
        await untilShown(page, 'Hallo, <b>Welt</b>\nunten');
      }
      assert.equal((await playerOf(page)).shownCaptions, 'Schilder');
      await page.getByTestId('captions').click();
      await untilShown(page);
      await choose(page, 'format', 'HLS (MPEG-TS)');
      await untilPlayer(
        page,
        ({ format, captions, bufferedTo }) => format === 'hlsTs' && captions.length === 3 && bufferedTo > 0,
        PATIENCE_MS,
      );
      await untilShown(page);
      assert.equal((await playerOf(page)).shownCaptions, undefined);
      await page.reload();
      const again = await untilPlayer(page, ({ captions }) => captions.length === 3, PATIENCE_MS);
      assert.equal(again.shownCaptions, 'Schilder');
      await addAndRemove(page);
      // The browser says so of the file that was refused.
      assert.deepEqual(
        page.troubles.filter((trouble) => !trouble.includes('422')),
        [],
      );
    } finally {
      await browser.close();
    }
  });

  test('beside a file: read, replaced by what is uploaded, followed as they change, forgotten as they go', async () => {
    const [german, unknown] = await captionsWhen('beside.mp4', ({ length }) => length === 2);
    assert.equal(described(german!), 'de Deutsch source subtitles');
    assert.equal(described(unknown!), 'und Subtitles source subtitles');
    assert.deepEqual(await cuesAt(german!.url), ['00:00:01.000 --> 00:00:02.000\nGrüße']);

    const { id } = await server.video('beside.mp4');
    const address = `${server.url}/api/v1/videos/${id}/captions/de`;
    const vtt = 'WEBVTT\n\n00:01.000 --> 00:02.000\nHochgeladen\n';
    assert.equal((await fetch(address, { method: 'PUT', body: vtt })).status, 201);
    assert.deepEqual((await captionsOf('beside.mp4')).map(described), [
      'de Deutsch uploaded subtitles',
      'und Subtitles source subtitles',
    ]);
    assert.equal((await fetch(address, { method: 'DELETE' })).status, 204);
    assert.deepEqual(await captionsOf('beside.mp4'), [german, unknown]);

    await rm(join(folders.library, 'beside.srt'));
    await writeFile(join(folders.library, 'beside.de.srt'), '00:00:03,000 --> 00:00:04,000\nNeu\n');
    const isNew = (captions: readonly ListedCaption[]) =>
      captions.length === 1 && captions[0]!.url !== german!.url;
    const [changed] = await captionsWhen('beside.mp4', isNew);
    assert.deepEqual(await cuesAt(changed!.url), ['00:00:03.000 --> 00:00:04.000\nNeu']);
    assert.equal((await fetch(german!.url)).status, 404);
  });
});

/** As the owner of the video does it. */
async function addAndRemove(page: Page): Promise<void> {
  await page.getByTestId('add-captions').click();
  const file = { name: 'film.it.txt', mimeType: 'text/plain', buffer: Buffer.from('ciao') };
  await page.getByTestId('captions-file').setInputFiles(file);
  assert.equal(await page.getByTestId('captions-language').inputValue(), 'it');
  await page.getByTestId('captions-add').click();
  await page.getByText('neither WebVTT nor SubRip').waitFor();
  const buffer = Buffer.from('00:01.000 --> 00:04.000\nCiao');
  await page.getByTestId('captions-file').setInputFiles({ ...file, buffer });
  await page.getByTestId('captions-label').fill('Italiano!');
  await page.getByTestId('captions-add').click();
  await page.getByTestId('caption').getByText('Italiano!').waitFor();
  await untilPlayer(page, ({ captions }) => captions.some(({ label }) => label === 'Italiano!'), PATIENCE_MS);
  await choose(page, 'captions', 'Italiano!');
  await untilShown(page, 'Ciao');
  await page.getByTestId('remove-captions').click();
  await page.getByTestId('remove-captions-confirm').click();
  await untilPlayer(page, ({ captions }) => captions.length === 3, PATIENCE_MS);
  assert.equal(await page.getByTestId('caption').count(), 3);
}

/** Waits until the browser shows these texts and no others, and goes on to. */
async function untilShown(page: Page, ...texts: string[]): Promise<void> {
  const isSo = async () => isDeepStrictEqual(await captionsOnScreen(page), texts);
  for (const end = Date.now() + PATIENCE_MS; ; await page.waitForTimeout(100)) {
    // What an engine or the browser does on top of it follows at once.
    if ((await isSo()) && (await page.waitForTimeout(150), await isSo())) return;
    if (Date.now() > end) {
      const seen = [await captionsOnScreen(page), await playerOf(page)];
      assert.fail(`${JSON.stringify(texts)} is not what is shown: ${JSON.stringify(seen)}`);
    }
  }
}

function described({ language, label, origin, kind, isForced }: ListedCaption): string {
  return [language, label, origin, kind, ...(isForced ? ['forced'] : [])].join(' ');
}

async function cuesAt(url: string): Promise<string[]> {
  const response = await fetch(url);
  assert.equal(response.status, 200, url);
  const [, ...cues] = (await response.text()).trim().split('\n\n');
  return cues;
}

async function makeSources(library: string): Promise<void> {
  const write = (name: string, text: string | Uint8Array) => writeFile(join(library, name), text);
  await write('subrip.txt', SUBRIP);
  await write('substation.txt', SUBSTATION);
  const picture =
    '-f lavfi -i testsrc=size=320x180:rate=25:duration=5 -f srt -i subrip.txt -f ass -i substation.txt' +
    ' -f lavfi -i sine=duration=5';
  const make = (options: string, name: string) =>
    run(
      ffmpeg.path,
      `-v error ${picture} -map 0:v -c:v libx264 -preset ultrafast ${options} ${name}`.split(' '),
      { cwd: library },
    );
  await make(
    '-map 3 -metadata:s:a language=ger -map 1 -c:s:0 srt -metadata:s:s:0 language=eng' +
      ' -map 2 -c:s:1 ass -metadata:s:s:1 language=ger -metadata:s:s:1 title=Schilder -disposition:s:1 forced' +
      ' -map 1 -c:s:2 srt -metadata:s:s:2 language=fre -disposition:s:2 hearing_impaired' +
      // As recordings and cuts have it: the first frame is not at 0.
      ' -output_ts_offset 7',
    'inside.mkv',
  );
  await make('-map 1 -c:s mov_text -metadata:s:s:0 language=spa', 'inside.mp4');
  await make('-an', 'beside.mp4');
  await write('beside.de.srt', Buffer.from('00:00:01,000 --> 00:00:02,000\nGr\xfc\xdfe\n', 'latin1'));
  await write('beside.srt', '00:00:01,000 --> 00:00:02,000\nHello\n');
  await write('beside.fr.srt', 'ce ne sont pas des sous-titres');
}
