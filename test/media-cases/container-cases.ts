/** Containers, and what else lies in them. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { readFrameNumber } from '../fixtures/picture.ts';
import { AAC, H264, HEIGHT, inputs, runFfmpeg, runFfmpegTo, WIDTH } from './kit.ts';
import type { MediaCase } from './media-case.ts';

export const CONTAINER_CASES: readonly MediaCase[] = [
  packed('MP4 with its index in front', 'mp4', '-movflags +faststart'),
  packed('fragmented MP4', 'mp4', '-movflags +frag_keyframe+empty_moov+delay_moov+default_base_moof'),
  packed('QuickTime', 'mov', ''),
  packed('Matroska', 'mkv', ''),
  packed('Matroska without cues', 'mkv', '-f matroska -live 1'),
  packed('MPEG-TS', 'ts', ''),
  packed('Blu-ray transport stream', 'm2ts', ''),
  packed('Flash video', 'flv', ''),
  packed('3GP', '3gp', ''),
  {
    name: 'MXF',
    extension: 'mxf',
    make: (kit, path) =>
      runFfmpeg([...inputs(kit), '-c:v', 'mpeg2video', '-q:v', 3, '-bf', 2, '-c:a', 'pcm_s16le', path]),
    expected: {},
  },
  {
    name: 'two pictures, the second is the default',
    extension: 'mkv',
    make: (kit, path) =>
      runFfmpeg([
        ...inputs(kit),
        '-filter_complex',
        '[0:v]split[a][b];[a]negate,scale=160:90[other]',
        ...'-map [other] -map [b] -map 1:a -disposition:v:0 0 -disposition:v:1 default'.split(' '),
        ...H264,
        ...AAC,
        path,
      ]),
    expected: {},
  },
  {
    name: 'a cover picture',
    extension: 'mp4',
    make: async (kit, path) => {
      const cover = `${path}.png`;
      await runFfmpeg(['-f', 'lavfi', '-i', 'color=red:s=64x64:d=1', '-frames:v', 1, cover]);
      const tracks = ['-map', 1, '-map', 0, '-disposition:v:0', 'attached_pic'];
      await runFfmpeg(['-i', kit.plain, '-i', cover, ...tracks, '-c', 'copy', path]);
    },
    expected: {},
  },
  {
    name: 'an attached font',
    extension: 'mkv',
    make: (kit, path) =>
      runFfmpeg([
        '-i',
        kit.plain,
        '-c',
        'copy',
        '-attach',
        kit.sound,
        ...'-metadata:s:t mimetype=application/x-truetype-font'.split(' '),
        path,
      ]),
    expected: {},
  },
  {
    name: 'time code and chapters',
    extension: 'mov',
    make: (kit, path) =>
      runFfmpeg(['-i', kit.plain, '-c', 'copy', '-timecode', '10:00:00:00', '-metadata', 'title=tape', path]),
    expected: {},
  },
  {
    name: 'another shape in the middle',
    extension: 'ts',
    make: async (kit, path) => {
      const parts = ['scale=320:180', 'select=gte(n\\,75),scale=240:180,setsar=1'].map((filter, part) => ({
        options: ['-vf', filter, ...(part === 0 ? ['-frames:v', 75] : [])],
        file: `${path}.${part}.ts`,
      }));
      for (const { options, file } of parts) {
        await runFfmpeg([...inputs(kit), ...H264, '-bf', 0, '-an', '-copyts', ...options, file]);
      }
      await writeFile(path, Buffer.concat(await Promise.all(parts.map(({ file }) => readFile(file)))));
    },
    expected: { shows: (index) => (index < 75 ? index : undefined), beeps: 'none' },
    check: async ({ video }) => {
      // Black on both sides of the narrower picture.
      const middle = 'select=eq(n\\,100),crop=240:180:40:0,scale=320:180';
      const inside = await runFfmpegTo([
        '-i',
        video!,
        '-vf',
        middle,
        ...'-f rawvideo -pix_fmt gray'.split(' '),
      ]);
      assert.equal(readFrameNumber(inside, WIDTH, HEIGHT), 100);
      const side = 'select=eq(n\\,100),crop=32:180:0:0';
      const black = await runFfmpegTo(['-i', video!, '-vf', side, ...'-f rawvideo -pix_fmt gray'.split(' ')]);
      assert.ok(Math.max(...black.subarray(0, 32 * HEIGHT)) < 24);
    },
  },
];

function packed(name: string, extension: string, settings: string): MediaCase {
  const options = settings === '' ? [] : settings.split(' ');
  return {
    name,
    extension,
    make: (kit, path) => runFfmpeg(['-i', kit.plain, '-c', 'copy', ...options, path]),
    expected: {},
  };
}
