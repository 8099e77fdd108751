/** Pictures as the engine takes them of real files: the right frame, good ones, and what people send as pictures. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { promisify } from 'node:util';
import type { MediaEngine, SourceBytes } from '../../src/engine/engine.ts';
import type { WantedPicture } from '../../src/engine/protocol.ts';
import { startEngine } from '../../src/engine/supervisor.ts';
import type { Storyboard } from '../../src/media/storyboard.ts';
import { readFrameNumber } from '../fixtures/picture.ts';
import { makeSource } from '../fixtures/source.ts';
import { brightness, crop, type DecodedJpeg, decodeJpeg } from '../jpeg.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';
import { requireTool } from '../tools.ts';

const ffmpeg = requireTool('ffmpeg');
const { signal } = new AbortController();
const SIZE = { width: 320, height: 180 };
const RATE = 10;
const SECONDS = 40;

suite('pictures of real files', { timeout: 120_000 }, () => {
  let engine: MediaEngine;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  const path = (name: string): string => join(folder.path, name);

  before(async () => {
    engine = startEngine({ spares: 1, idleMs: 30_000 });
    folder = await temporaryFolder();
    const video = { kind: 'video', seconds: SECONDS, ...SIZE, frameRate: { num: RATE, den: 1 } } as const;
    // No scene is cut: keyframes are where they are told to be.
    const options = { preset: 'ultrafast', sc_threshold: '0' };
    await makeSource(path('dense.mp4'), [{ ...video, keyframeInterval: 2 * RATE, options }]);
    await makeSource(path('sparse.mkv'), [{ ...video, keyframeInterval: 13 * RATE, options }]);
    await makeSource(path('dense.ts'), [{ ...video, keyframeInterval: 2 * RATE, options }]);
    await makeSource(path('late.mp4'), [
      { ...video, seconds: 6, startSeconds: 2, options },
      { kind: 'audio', seconds: 8 },
    ]);
  });
  after(async () => {
    await engine[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  async function take(name: string, wanted: WantedPicture): Promise<DecodedJpeg> {
    await using source = await openSource(path(name));
    const info = await engine.inspect(source, signal);
    return decodeJpeg(await engine.picture({ source, info, wanted, priority: 'viewer' }, signal));
  }

  /** The numbers on the tiles of the first sheet. */
  async function numbersOf(name: string, intervalSeconds: number, seconds = SECONDS) {
    const tileCount = Math.ceil(seconds / intervalSeconds);
    const board = { durationSeconds: seconds, intervalSeconds, tileWidth: 160, tileHeight: 90, tileCount };
    const sheet = await take(name, { kind: 'sheet', storyboard: board satisfies Storyboard, sheet: 0 });
    const count = Math.min(25, tileCount);
    assert.deepEqual([sheet.width, sheet.height], [Math.min(count, 5) * 160, Math.ceil(count / 5) * 90]);
    return Array.from({ length: count }, (_, index) => {
      const tile = crop(sheet, (index % 5) * 160, Math.floor(index / 5) * 90, 160, 90);
      return readFrameNumber(tile.luma, tile.width, tile.height);
    });
  }

  for (const [name, interval] of [
    ['dense.mp4', 4],
    ['dense.ts', 4],
    ['dense.ts', 8],
  ] as const) {
    test(`tiles that lie ${interval} s apart show a frame of their time: ${name}`, async () => {
      const numbers = await numbersOf(name, interval);
      assert.equal(numbers.length, SECONDS / interval);
      numbers.forEach((number, tile) => {
        const isWithin = number >= tile * interval * RATE && number < (tile + 1) * interval * RATE;
        assert.ok(isWithin, `${tile}: ${numbers}`);
      });
    });
  }

  test('where a tile has no keyframe, it shows its first frame', async () => {
    const numbers = await numbersOf('sparse.mkv', 4);
    // Keyframes at 0, 13, 26 and 39 s: of tiles 0, 3, 6 and 9.
    const expected = [0, 40, 80, 130, 160, 200, 260, 280, 320, 390];
    assert.deepEqual(numbers, expected);
  });

  test('tiles that lie near to each other show their first frames', async () => {
    assert.deepEqual(
      await numbersOf('dense.mp4', 1),
      Array.from({ length: 25 }, (_, tile) => tile * RATE),
    );
    assert.deepEqual(
      await numbersOf('sparse.mkv', 2),
      Array.from({ length: 20 }, (_, tile) => 20 * tile),
    );
  });

  test('before a late picture, and after its end, the nearest frame is shown', async () => {
    // The picture is from 2 s on, the sound from 0 to 8.
    assert.deepEqual(await numbersOf('late.mp4', 1, 8), [0, 0, 0, 10, 20, 30, 40, 50]);
  });

  test('the frame at a time is the one that a viewer sees then', async () => {
    for (const [name, seconds, number] of [
      ['dense.mp4', 0, 0],
      ['dense.mp4', 12.3, 123],
      ['dense.mp4', 12.3999, 124],
      ['dense.mp4', 12.35, 123],
      ['sparse.mkv', 25.9, 259],
      ['sparse.mkv', 39.95, 399],
      ['dense.ts', 17.7, 177],
      ['late.mp4', 1, 0],
      ['late.mp4', 4.55, 25],
      ['late.mp4', 7.99, 59],
    ] as const) {
      const { width, height, luma } = await take(name, { kind: 'at', seconds, maxSide: 960 });
      assert.deepEqual([width, height], [320, 180]);
      assert.equal(readFrameNumber(luma, width, height), number, `${name} at ${seconds}`);
    }
  });

  /** Five seconds of black, then a picture; or a picture that fades in. */
  const DULL = {
    'only the first frame is a keyframe': ['mpeg4', '-g', '1000', '-sc_threshold', '1000000000'],
    'a keyframe a second': ['libx264', '-g', '25'],
  };
  for (const [name, encoder] of Object.entries(DULL)) {
    test(`the poster of what begins black is not black: ${name}`, { skip: ffmpeg.skip }, async () => {
      const file = path(`${encoder[0]}.mp4`);
      const graph = 'testsrc2=s=320x180:d=8,fade=in:st=5:d=1,format=yuv420p';
      const input = ['-v', 'error', '-y', '-f', 'lavfi', '-i', graph];
      await promisify(execFile)(ffmpeg.path, [...input, '-c:v', ...encoder, '-preset', 'ultrafast', file]);
      const poster = await take(`${encoder[0]}.mp4`, { kind: 'best', maxSide: 160 });
      assert.deepEqual([poster.width, poster.height], [160, 90]);
      const { mean, deviation } = brightness(poster);
      assert.ok(mean > 60 && deviation > 40, JSON.stringify({ mean, deviation }));
    });
  }

  test('colours are those of JFIF: black is 0 and white is 255', { skip: ffmpeg.skip }, async () => {
    const file = path('bars.mp4');
    const graph = 'color=black:s=160x180:d=1[a];color=white:s=160x180:d=1[b];[a][b]hstack,format=yuv420p';
    const input = ['-v', 'error', '-y', '-f', 'lavfi', '-i', graph, '-c:v', 'libx264', '-crf', '10'];
    await promisify(execFile)(ffmpeg.path, [...input, file]);
    const { luma, width } = await take('bars.mp4', { kind: 'at', seconds: 0.5, maxSide: 960 });
    const [black, white] = [luma[90 * width + 40]!, luma[90 * width + 280]!];
    assert.ok(black < 4 && white > 251, `${black} ${white}`);
  });

  test('a picture is taken from JPEG, PNG and WebP, upright and no larger than asked for', {
    skip: ffmpeg.skip,
  }, async () => {
    const input = [
      '-v',
      'error',
      '-y',
      '-f',
      'lavfi',
      '-i',
      'testsrc2=s=640x360,format=rgba',
      '-frames:v',
      '1',
    ];
    for (const name of ['a.png', 'a.jpg', 'a.webp']) {
      await promisify(execFile)(ffmpeg.path, [...input, path(name)]);
      const taken = decodeJpeg(await engine.still(await readFile(path(name)), 320, signal));
      assert.deepEqual([taken.width, taken.height], [320, 180], name);
      assert.ok(brightness(taken).deviation > 40, name);
    }
    const turned = await engine.still(turnedByExif(await readFile(path('a.jpg'))), 320, signal);
    assert.ok(!Buffer.from(turned).includes('Exif'));
    const { width, height } = decodeJpeg(turned);
    assert.deepEqual([width, height], [180, 320]);
  });

  test('what is no picture is refused with a code', { skip: ffmpeg.skip }, async () => {
    const png = await readFile(path('a.png'));
    const huge = Buffer.from(png);
    huge.writeUInt32BE(30_000, 16);
    huge.writeUInt32BE(30_000, 20);
    const cut = png.subarray(0, 300);
    const noise = Buffer.concat([png.subarray(0, 8), Buffer.alloc(5000, 0x5a)]);
    for (const bytes of [huge, cut, noise, Buffer.from([0xff, 0xd8, 0xff, 0xd9])])
      await assert.rejects(engine.still(bytes, 320, signal), { code: 'source_damaged' });
    for (const text of ['', 'GIF89a', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'RIFF0000AVI '])
      await assert.rejects(engine.still(Buffer.from(text), 320, signal), {
        code: 'unsupported_media_type',
      });
  });
});

/** With the note that a camera was held upright: EXIF orientation 6, a quarter turn clockwise. */
function turnedByExif(jpeg: Buffer): Buffer {
  const tiff = Buffer.from('MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0', 'latin1');
  const head = Buffer.from('\xff\xe1\0\0Exif\0\0', 'latin1');
  head.writeUInt16BE(2 + 6 + tiff.length, 2);
  return Buffer.concat([jpeg.subarray(0, 2), head, tiff, jpeg.subarray(2)]);
}

async function openSource(file: string): Promise<SourceBytes & AsyncDisposable> {
  const handle = await open(file);
  const { size } = await handle.stat();
  return {
    identity: file,
    bytes: size,
    async read(offset, length) {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
      await handle.read(bytes, 0, bytes.length, offset);
      return bytes;
    },
    [Symbol.asyncDispose]: () => handle.close(),
  };
}
