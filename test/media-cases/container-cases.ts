/** Containers, and what else lies in them. */
import { AAC, H264, inputs, runFfmpeg } from './kit.ts';
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
    name: 'time code and chapters',
    extension: 'mov',
    make: (kit, path) =>
      runFfmpeg(['-i', kit.plain, '-c', 'copy', '-timecode', '10:00:00:00', '-metadata', 'title=tape', path]),
    expected: {},
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
