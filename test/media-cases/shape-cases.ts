/** Sizes, orientations and pixel shapes. */
import { readFile, writeFile } from 'node:fs/promises';
import { AAC, H264, inputs, type Kit, runFfmpeg } from './kit.ts';
import type { MediaCase } from './media-case.ts';
import { turnMatroska } from './turn-matroska.ts';

/** First two rows of a track's matrix, and the filter that undoes what it will do (ISO/IEC 14496-12 6.2.2). */
const ORIENTATIONS = {
  'turned by 90': { matrix: [0, 1, -1, 0], undo: 'transpose=cclock' },
  'turned by 180': { matrix: [-1, 0, 0, -1], undo: 'hflip,vflip' },
  'turned by 270': { matrix: [0, -1, 1, 0], undo: 'transpose=clock' },
  'flipped left to right': { matrix: [-1, 0, 0, 1], undo: 'hflip' },
  'flipped top to bottom': { matrix: [1, 0, 0, -1], undo: 'vflip' },
  'flipped and turned': { matrix: [0, 1, 1, 0], undo: 'transpose=cclock_flip' },
} as const;

export const SHAPE_CASES: readonly MediaCase[] = [
  {
    name: 'ordinary',
    extension: 'mp4',
    make: (kit, path) => runFfmpeg(['-i', kit.plain, '-c', 'copy', path]),
    expected: {},
  },
  ...Object.entries(ORIENTATIONS).map(
    ([name, { matrix, undo }]): MediaCase => ({
      name,
      extension: 'mp4',
      make: async (kit, path) => {
        await runFfmpeg([...inputs(kit), ...H264, '-an', '-vf', undo, path]);
        await writeMatrix(path, matrix);
      },
      expected: { beeps: 'none' },
    }),
  ),
  {
    name: 'turned in Matroska',
    extension: 'mkv',
    make: async (kit, path) => {
      const turned = `${path}.mp4`;
      await runFfmpeg([...inputs(kit), ...H264, ...AAC, '-vf', 'transpose=cclock', turned]);
      await writeMatrix(turned, ORIENTATIONS['turned by 90'].matrix);
      await turnMatroska(turned, path);
    },
    expected: {},
  },
  {
    name: 'wide pixels',
    extension: 'mp4',
    make: (kit, path) => scaled(kit, path, 240, 180, '4/3'),
    expected: { beeps: 'none' },
  },
  {
    name: 'tall pixels',
    extension: 'mkv',
    make: (kit, path) => scaled(kit, path, 320, 90, '1/2'),
    expected: { beeps: 'none' },
  },
  {
    name: 'portrait',
    extension: 'mp4',
    make: (kit, path) => scaled(kit, path, 180, 320),
    expected: { size: [180, 320], beeps: 'none' },
  },
  {
    name: 'odd sides',
    extension: 'mkv',
    make: (kit, path) => raw(kit, path, 405, 721),
    expected: { size: [406, 722], seconds: 2, beeps: 'none' },
  },
  {
    name: 'one pixel',
    extension: 'mkv',
    make: (kit, path) => raw(kit, path, 1, 1),
    expected: { size: [16, 16], seconds: 2, shows: 'anything', beeps: 'none' },
  },
  {
    name: 'four pixels',
    extension: 'mkv',
    make: (kit, path) => raw(kit, path, 2, 2),
    expected: { size: [16, 16], seconds: 2, shows: 'anything', beeps: 'none' },
  },
  {
    name: 'a thin line',
    extension: 'mkv',
    make: (kit, path) => raw(kit, path, 17, 3),
    expected: { size: [90, 16], seconds: 2, shows: 'anything', beeps: 'none' },
  },
  {
    name: '8K',
    extension: 'mp4',
    make: (kit, path) =>
      runFfmpeg([
        ...inputs(kit),
        ...H264,
        '-an',
        '-vf',
        'scale=7680:4320:flags=neighbor',
        '-frames:v',
        2,
        path,
      ]),
    expected: { size: [7680, 4320], seconds: 2 / 25, beeps: 'none' },
  },
  {
    name: 'larger than 8K',
    extension: 'mkv',
    make: (_kit, path) =>
      runFfmpeg(['-f', 'lavfi', '-i', 'color=s=16000x8000:r=1:d=1', '-c:v', 'mjpeg', '-frames:v', 1, path]),
    expected: { code: 'source_unsupported', message: /16000x8000 pixels/ },
  },
];

/** The picture at another size, its shape changed with it: numbers stay legible. */
function scaled(kit: Kit, path: string, width: number, height: number, pixels = '1'): Promise<void> {
  const filter = `scale=${width}:${height},setsar=${pixels}`;
  return runFfmpeg([...inputs(kit), ...H264, '-an', '-vf', filter, path]);
}

/** In a codec that takes any size. */
function raw(kit: Kit, path: string, width: number, height: number): Promise<void> {
  const filter = `scale=${width}:${height},setsar=1,format=bgr0`;
  return runFfmpeg([...inputs(kit), '-an', '-vf', filter, '-c:v', 'ffv1', '-frames:v', 50, path]);
}

/** FFmpeg's command line writes no flips: put the matrix into the `tkhd` of the first track. */
async function writeMatrix(
  path: string,
  [a, b, c, d]: readonly [number, number, number, number],
): Promise<void> {
  const bytes = await readFile(path);
  // ISO/IEC 14496-12 8.3.2, version 0: the matrix is 40 bytes into the box's content.
  const at = bytes.indexOf('tkhd', 0, 'latin1') + 4 + 40;
  for (const [offset, value] of [
    [0, a],
    [4, b],
    [12, c],
    [16, d],
  ] as const) {
    bytes.writeInt32BE(value * 65_536, at + offset);
  }
  await writeFile(path, bytes);
}
