/** Holds the samples to what assets/README.md says of them, by the eyes and ears of the system's ffmpeg. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { isFlash, isFlashFrame, readFrameNumber } from './fixtures/picture.ts';
import { BEEP_SECONDS } from './fixtures/sound.ts';
import { requireTool } from './tools.ts';

const ffmpeg = requireTool('ffmpeg');
const ffprobe = requireTool('ffprobe');

const FRAMES = 720;
const FRAME_RATE = { num: 30_000, den: 1001 };
const FRAME_SECONDS = 1001 / 30_000;
const WHOLE_SECONDS = 24;
/** Blocks and dial are still clear in pictures of this size. */
const [WIDTH, HEIGHT] = [320, 180];
const SAMPLE_RATE = 48_000;

const assets = join(import.meta.dirname, '..', 'assets');
const samples = [
  'Sluice sample.mp4',
  'Ready-made HLS/720p/index.m3u8',
  'Ready-made HLS/360p/index.m3u8',
  'Ready-made DASH/manifest.mpd',
];

describe('the samples', { skip: ffmpeg.skip || ffprobe.skip }, () => {
  for (const name of samples) {
    const path = join(assets, name);

    test(`${name}: every frame is there, in order, and flashes at whole seconds`, () => {
      const pictures = decode(
        path,
        `-map 0:v:0 -vf scale=${WIDTH}:${HEIGHT},format=gray -fps_mode passthrough -f rawvideo`,
      );
      const size = WIDTH * HEIGHT;
      assert.equal(pictures.length / size, FRAMES);
      for (let index = 0; index < FRAMES; index++) {
        const luma = pictures.subarray(index * size, (index + 1) * size);
        assert.equal(readFrameNumber(luma, WIDTH, HEIGHT), index);
        assert.equal(
          isFlash(luma, WIDTH, HEIGHT),
          isFlashFrame(index, FRAME_RATE),
          `flash in frame ${index}`,
        );
      }
    });

    test(`${name}: each beep begins with its second, on the clock of the picture`, () => {
      const sound = decode(path, `-map 0:a:0 -ac 1 -ar ${SAMPLE_RATE} -f s16le`);
      const soundStart = startSeconds(path, 'a:0') - startSeconds(path, 'v:0');
      const beeps = findBeeps(new Int16Array(sound.buffer, sound.byteOffset, sound.length / 2));
      assert.equal(beeps.length, WHOLE_SECONDS);
      beeps.forEach((beep, second) => {
        const error = beep + soundStart - second;
        assert.ok(Math.abs(error) < 0.003, `beep ${second} is ${error} s off`);
        const flash = Math.ceil(second / FRAME_SECONDS) * FRAME_SECONDS;
        assert.ok(flash - beep - soundStart < FRAME_SECONDS);
      });
    });
  }

  test('the file begins at 0 in both tracks', () => {
    const path = join(assets, 'Sluice sample.mp4');
    assert.deepEqual([startSeconds(path, 'v:0'), startSeconds(path, 'a:0')], [0, 0]);
  });
});

function decode(path: string, output: string): Buffer {
  const settings = { maxBuffer: 2 ** 30 };
  return execFileSync(ffmpeg.path, ['-v', 'error', '-i', path, ...output.split(' '), '-'], settings);
}

function startSeconds(path: string, stream: string): number {
  const entries = ['-select_streams', stream, '-show_entries', 'stream=start_time', '-of', 'csv=p=0'];
  return Number.parseFloat(
    execFileSync(ffprobe.path, ['-v', 'error', ...entries, path], { encoding: 'utf8' }),
  );
}

/** Where sound begins after silence, in seconds. */
function findBeeps(sound: Int16Array): number[] {
  const beeps: number[] = [];
  let lastLoud = -Infinity;
  sound.forEach((sample, i) => {
    if (Math.abs(sample) < 1500) return;
    if (i - lastLoud > BEEP_SECONDS * SAMPLE_RATE) beeps.push(i / SAMPLE_RATE);
    lastLoud = i;
  });
  return beeps;
}
