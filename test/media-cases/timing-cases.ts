/** Frame rates, and where tracks lie in time. */
import { readFile, writeFile } from 'node:fs/promises';
import { AAC, FRAMES, H264, inputs, type Kit, runFfmpeg, SECONDS } from './kit.ts';
import type { MediaCase } from './media-case.ts';

export const TIMING_CASES: readonly MediaCase[] = [
  constant('23.976 a second', 24_000, 1001),
  constant('29.97 a second', 30_000, 1001),
  constant('59.94 a second', 60_000, 1001),
  constant('120 a second', 120, 1),
  constant('10 a second', 10, 1),
  constant('12.5 a second', 25, 2),
  {
    name: 'one frame',
    extension: 'mp4',
    make: (kit, path) => runFfmpeg([...inputs(kit), ...H264, '-an', '-frames:v', 1, path]),
    expected: { seconds: 1 / 25, beeps: 'none' },
  },
  {
    name: 'half a second',
    extension: 'mp4',
    make: (kit, path) => runFfmpeg([...inputs(kit), ...H264, ...AAC, '-t', 0.48, path]),
    expected: { seconds: 0.48, soundSeconds: 0.48, beeps: [0] },
  },
  {
    name: 'a screen recording that stands still for seconds',
    extension: 'mkv',
    // Frames come at 25 a second; from each second one only the first quarter is there, and of 2 to 4 nothing.
    make: (kit, path) =>
      runFfmpeg([
        ...inputs(kit),
        ...H264,
        ...AAC,
        '-vf',
        "select='lt(mod(n,25),7)*not(between(n,50,99))'",
        path,
      ]),
    expected: {
      // The last frame lasts as long as any.
      seconds: (125 + 7) / 25,
      shows: (index) => {
        const second = Math.floor(index / 25);
        if (second === 2 || second === 3) return 31;
        return second * 25 + Math.min(6, index % 25);
      },
    },
  },
  {
    name: 'a phone that wobbles around 30',
    extension: 'mp4',
    // Each frame up to 3 ms off its place, as cameras do that record what the light allows.
    make: (kit, path) =>
      runFfmpeg([
        ...inputs(kit, 30),
        ...H264,
        ...AAC,
        '-vf',
        "settb=1/90000,setpts='N*3000+270*sin(N*1.7)'",
        '-enc_time_base',
        '1/90000',
        '-video_track_timescale',
        90_000,
        path,
      ]),
    // The sound is a second longer.
    expected: { frameRate: { num: 30, den: 1 }, shows: (index) => Math.min(index, FRAMES - 1) },
  },
  {
    name: 'a clock of milliseconds',
    extension: 'mp4',
    make: (kit, path) =>
      runFfmpeg([
        ...inputs(kit, '30000/1001'),
        ...H264,
        ...AAC,
        '-vf',
        'settb=1/1000',
        '-enc_time_base',
        '1/1000',
        '-video_track_timescale',
        1000,
        path,
      ]),
    expected: {
      frameRate: { num: 30_000, den: 1001 },
      shows: (index) => Math.min(index, FRAMES - 1),
    },
  },
  {
    name: 'one keyframe for all',
    extension: 'mp4',
    make: (kit, path) => runFfmpeg([...inputs(kit), ...H264, '-g', 1000, '-bf', 3, ...AAC, path]),
    expected: {},
  },
  {
    name: 'a keyframe a minute',
    extension: 'mkv',
    make: (kit, path) => runFfmpeg([...loopedInputs(kit, 10), ...H264, '-g', 25 * 60, ...AAC, path]),
    expected: { seconds: 11 * SECONDS, soundSeconds: 11 * SECONDS, shows: (index) => index % FRAMES },
  },
  {
    name: 'open groups of pictures',
    extension: 'mkv',
    make: (kit, path) => openGroups(kit, path),
    expected: {},
  },
  {
    name: 'open groups of pictures in MP4',
    extension: 'mp4',
    make: (kit, path) => openGroups(kit, path),
    expected: {},
  },
  {
    name: 'open groups of pictures in MPEG-TS',
    extension: 'ts',
    make: (kit, path) => openGroups(kit, path),
    expected: {},
  },
  {
    name: 'an edit list that cuts the beginning',
    extension: 'mp4',
    // Copied from 1 s on: the file begins at the keyframe before, and an edit list hides what comes before 1 s.
    make: (kit, path) => runFfmpeg(['-ss', 1, '-i', kit.plain, '-c', 'copy', path]),
    expected: { seconds: SECONDS - 1, soundSeconds: SECONDS - 1, shows: (index) => index + 25 },
  },
  {
    name: 'a start later than 0',
    extension: 'mkv',
    make: (kit, path) => runFfmpeg(['-i', kit.plain, '-c', 'copy', '-output_ts_offset', 100, path]),
    expected: {},
  },
  {
    name: 'a start before 0',
    extension: 'mp4',
    // What lies before 0 is in the file, and an edit list hides it.
    make: (kit, path) =>
      runFfmpeg([
        '-i',
        kit.plain,
        ...'-c copy -avoid_negative_ts disabled -output_ts_offset -0.4'.split(' '),
        path,
      ]),
    expected: {
      seconds: SECONDS - 0.4,
      soundSeconds: SECONDS - 0.4,
      shows: (index) => index + 10,
      beeps: [0.6, 1.6, 2.6, 3.6, 4.6],
    },
  },
  {
    name: 'a picture later than its sound',
    extension: 'mp4',
    make: (kit, path) => runFfmpeg([...inputs(kit), ...H264, ...AAC, '-vf', 'setpts=PTS+1/TB', path]),
    expected: {
      seconds: SECONDS + 1,
      soundSeconds: SECONDS + 1,
      beeps: [0, 1, 2, 3, 4, 5],
      shows: (index) => Math.max(0, index - 25),
    },
  },
  {
    name: 'time stamps of MPEG-TS that wrap',
    extension: 'ts',
    // 2^33 ticks of 90 kHz are 95443.718 s.
    make: (kit, path) =>
      runFfmpeg(['-i', kit.plain, '-c', 'copy', '-muxdelay', 0, '-output_ts_offset', 95_440.7, path]),
    expected: {},
  },
  {
    name: 'time stamps of MPEG-TS that wrap within a segment',
    extension: 'ts',
    make: (kit, path) =>
      runFfmpeg(['-i', kit.plain, '-c', 'copy', '-muxdelay', 0, '-output_ts_offset', 95_438.5, path]),
    expected: {},
  },
  {
    name: 'two recordings joined, whose time begins again',
    extension: 'ts',
    make: (kit, path) => joinedAt(kit, path, 0),
    // The last frame is the second one's: it is shown at the end of both.
    expected: {
      seconds: [4, 4.2],
      shows: (index) => (index < 100 ? index : undefined),
      soundSeconds: [4, 4.1],
      beeps: [0, 1, 2, 3, 4],
    },
  },
  {
    name: 'two recordings joined, whose time jumps forward',
    extension: 'ts',
    make: (kit, path) => joinedAt(kit, path, 10),
    expected: {
      seconds: 12,
      shows: (index) => (index < 100 ? index : index < 250 ? undefined : index - 150),
      soundSeconds: 12,
      beeps: [0, 1, 2, 3, 4, 10, 11],
    },
  },
];

function constant(name: string, num: number, den: number): MediaCase {
  return {
    name,
    extension: 'mp4',
    make: (kit, path) => runFfmpeg([...inputs(kit, `${num}/${den}`), ...H264, '-an', '-t', SECONDS, path]),
    expected: {
      seconds: Math.min(SECONDS, (FRAMES * den) / num),
      frameRate: { num, den },
      beeps: 'none',
    },
  };
}

/** The first four seconds, and at `seconds` the two that follow, as people join recordings: byte after byte. */
async function joinedAt(kit: Kit, path: string, seconds: number): Promise<void> {
  const [first, second] = [`${path}.1.ts`, `${path}.2.ts`];
  const copy = ['-c', 'copy', '-muxdelay', 0, '-copyts', '-output_ts_offset'];
  await runFfmpeg(['-t', 4, '-i', kit.plain, ...copy, 1, first]);
  await runFfmpeg(['-ss', 4, '-i', kit.plain, ...copy, 1 + seconds - 4, second]);
  await writeFile(path, Buffer.concat([await readFile(first), await readFile(second)]));
}

function openGroups(kit: Kit, path: string): Promise<void> {
  const x264 = 'open-gop=1:bframes=3:b-pyramid=normal:keyint=40:min-keyint=40:scenecut=0';
  return runFfmpeg([
    ...inputs(kit),
    '-c:v',
    'libx264',
    '-preset',
    'superfast',
    '-fps_mode',
    'passthrough',
    '-x264-params',
    x264,
    ...AAC,
    path,
  ]);
}

/** As {@link inputs}, so many times more. */
function loopedInputs(kit: Kit, times: number): string[] {
  const loop = ['-stream_loop', String(times)];
  return [...loop, '-r', '25', '-i', kit.picture, ...loop, '-i', kit.sound];
}
