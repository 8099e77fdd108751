/** Interlaced video: each field becomes a picture, at its own time and without combs. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { fieldCodedH264 } from './field-coded.ts';
import { runFfmpeg, runFfmpegTo } from './kit.ts';
import type { MediaCase } from './media-case.ts';
import type { Played } from './play.ts';

/** A white bar that moves to the right by so many pixels in each picture of 50 (or 59.94, or 23.976) a second. */
const STEP = 4;
const BAR = 16;
/** 1.5 s of fields. */
const PICTURES = 75;
const [WIDTH, HEIGHT] = [352, 288];

const FIELDS_50 = { num: 50, den: 1 };
const MPEG2 = '-c:v mpeg2video -q:v 2 -bf 2 -flags +ildct+ilme';

export const SCAN_CASES: readonly MediaCase[] = [
  interlaced('interlaced, top field first', 'ts', 'top', MPEG2),
  interlaced('interlaced, bottom field first', 'mpg', 'bottom', `${MPEG2} -f vob`),
  interlaced(
    'interlaced H.264',
    'mp4',
    'top',
    '-c:v libx264 -preset ultrafast -flags +ildct+ilme -x264-params tff=1',
  ),
  {
    ...interlaced('interlaced H.264 of single fields', 'ts', 'top', ''),
    async make(_kit, path) {
      const frames = await runFfmpegTo([
        ...bar('50'),
        '-vf',
        'tinterlace=interleave_top',
        ...'-pix_fmt yuv420p -f rawvideo'.split(' '),
      ]);
      await writeFile(`${path}.264`, fieldCodedH264(frames, WIDTH, HEIGHT));
      await runFfmpeg(['-framerate', 25, '-f', 'h264', '-i', `${path}.264`, '-c', 'copy', path]);
    },
  },
  interlaced(
    'interlaced DV',
    'dv',
    'bottom',
    '-c:v dvvideo -ar 48000',
    'scale=720:576,setsar=64/45',
    [1024, 576],
  ),
  interlaced('interlaced ProRes', 'mov', 'top', '-c:v prores_ks -flags +ildct+ilme'),
  {
    name: 'marked as interlaced, but film',
    extension: 'ts',
    make: (_kit, path) =>
      runFfmpeg([...bar('25'), '-vf', 'setfield=tff', ...`${MPEG2} -pix_fmt yuv420p`.split(' '), path]),
    expected: { seconds: PICTURES / 25, shows: 'anything', beeps: 'none', size: [WIDTH, HEIGHT] },
    check: ({ video }) => assertMoves(video!, (index) => STEP * index),
  },
  {
    name: 'telecined film',
    extension: 'ts',
    make: (_kit, path) =>
      runFfmpeg([
        ...bar('24000/1001'),
        '-vf',
        'telecine=first_field=top:pattern=23,setfield=tff',
        ...`${MPEG2} -pix_fmt yuv420p`.split(' '),
        path,
      ]),
    expected: {
      // Of 75 pictures, 4 become 5 frames of 2 fields each; the last ones may not fill a frame.
      seconds: (93 * 1001) / 30_000,
      frameRate: { num: 60_000, den: 1001 },
      shows: 'anything',
      beeps: 'none',
      size: [WIDTH, HEIGHT],
    },
    check: ({ video }) => assertMoves(video!, (index) => (STEP * index * 24) / 60, STEP),
  },
];

function interlaced(
  name: string,
  extension: string,
  first: 'top' | 'bottom',
  settings: string,
  before = 'null',
  size: readonly [number, number] = [WIDTH, HEIGHT],
): MediaCase {
  return {
    name,
    extension,
    make: (_kit, path) =>
      runFfmpeg([
        ...bar('50'),
        '-vf',
        `${before},tinterlace=interleave_${first},setfield=${first === 'top' ? 'tff' : 'bff'}`,
        ...(settings.includes('prores') ? [] : ['-pix_fmt', 'yuv420p']),
        ...settings.split(' '),
        path,
      ]),
    // The last picture may be without its second field.
    expected: {
      seconds: Math.floor(PICTURES / 2) / 25,
      frameRate: FIELDS_50,
      shows: 'anything',
      beeps: 'none',
      size,
    },
    check: ({ video }: Played) => assertMoves(video!, (index) => STEP * index),
  };
}

/** `rate` as a number or a fraction. */
function bar(rate: string): string[] {
  const [num = 1, den = 1] = rate.split('/').map(Number);
  const time = `r=${rate}:d=${(PICTURES * den) / num}`;
  const graph =
    `color=0x404040:s=${WIDTH}x${HEIGHT}:${time}[b];color=white:s=${BAR}x${HEIGHT}:${time}[w];` +
    `[b][w]overlay=x=${STEP}*(n-1):format=yuv444`;
  return ['-f', 'lavfi', '-i', graph];
}

/** Where the bar is in each picture: at its place, and in all lines at the same. */
async function assertMoves(file: string, leftOf: (index: number) => number, tolerance = 2): Promise<void> {
  const raw = '-fps_mode passthrough -f rawvideo -pix_fmt gray'.split(' ');
  const luma = await runFfmpegTo(['-i', file, '-vf', `scale=${WIDTH}:${HEIGHT}`, ...raw]);
  const size = WIDTH * HEIGHT;
  for (let index = 0; index < luma.length / size; index++) {
    const lefts = [40, 41, 100, 101, 160, 161].map((y) =>
      centerOfLight(luma.subarray(index * size + y * WIDTH, index * size + (y + 1) * WIDTH)),
    );
    const wanted = leftOf(index) + BAR / 2;
    for (const left of lefts) {
      assert.ok(
        Math.abs(left - wanted) <= tolerance,
        `picture ${index}: at ${lefts.join(', ')}, not ${wanted}`,
      );
    }
    assert.ok(
      Math.max(...lefts) - Math.min(...lefts) <= 2,
      `picture ${index} is combed: ${lefts.join(', ')}`,
    );
  }
}

function centerOfLight(row: Uint8Array): number {
  let [sum, weight] = [0, 0];
  row.forEach((value, x) => {
    const light = Math.max(0, value - 110);
    sum += light * (x + 0.5);
    weight += light;
  });
  return sum / weight;
}
