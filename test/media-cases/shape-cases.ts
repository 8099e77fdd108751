/** Sizes, orientations and pixel shapes. */
import { inputs, type Kit, runFfmpeg, SECONDS } from './kit.ts';
import type { MediaCase } from './media-case.ts';

const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '24', '-c:a', 'aac', '-shortest'];

export const SHAPE_CASES: readonly MediaCase[] = [
  {
    name: 'plain',
    extension: 'mp4',
    make: (kit, path) => runFfmpeg([...inputs(kit), ...H264, path]),
    expected: {},
  },
  {
    name: 'wide pixels',
    extension: 'mp4',
    make: (kit, path) => runFfmpeg([...inputs(kit), ...H264, '-vf', 'scale=240:180,setsar=4/3', path]),
    expected: { size: [320, 180] },
  },
  {
    name: 'portrait',
    extension: 'mp4',
    make: (kit, path) => scaled(kit, path, 180, 320),
    expected: { size: [180, 320] },
  },
];

/** The picture at another size, its shape changed with it: numbers stay legible. */
function scaled(kit: Kit, path: string, width: number, height: number): Promise<void> {
  return runFfmpeg([
    ...inputs(kit),
    ...H264,
    '-vf',
    `scale=${width}:${height},setsar=1`,
    '-t',
    SECONDS,
    path,
  ]);
}
