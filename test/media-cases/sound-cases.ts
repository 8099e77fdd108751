/** Sound: its codecs, rates and channels, alone and beside a picture, and what happens to it in the world. */
import assert from 'node:assert/strict';
import { appendFile, open, readFile, writeFile } from 'node:fs/promises';
import { isAudio } from '../../src/media/presentation.ts';
import { AAC, H264, inputs, type Kit, runFfmpeg, SECONDS } from './kit.ts';
import type { Expected, MediaCase } from './media-case.ts';

const ALONE: Expected = { size: 'none' };

const CODECS: readonly MediaCase[] = [
  alone('AAC', 'm4a', '-c:a aac'),
  alone('AAC without a container', 'aac', '-c:a aac -f adts'),
  { name: 'HE-AAC', extension: 'm4a', make: makeHeAac, expected: ALONE },
  alone('MP3', 'mp3', '-c:a libmp3lame -b:a 128k'),
  alone('MP3 without the header that says how long it is', 'mp3', '-c:a libmp3lame -write_xing 0'),
  alone('MP3 of a variable bitrate', 'mp3', '-c:a libmp3lame -q:a 4'),
  alone('AC-3', 'ac3', '-c:a ac3'),
  alone('E-AC-3', 'mp4', '-c:a eac3'),
  alone('DTS', 'mkv', '-c:a dca -strict -2'),
  alone('TrueHD', 'mkv', '-c:a truehd -strict -2'),
  alone('Opus', 'opus', '-c:a libopus'),
  alone('Opus in WebM', 'webm', '-c:a libopus'),
  alone('Vorbis', 'ogg', '-c:a libvorbis'),
  alone('FLAC', 'flac', '-c:a flac'),
  alone('ALAC', 'm4a', '-c:a alac'),
  alone('PCM of 16 bits', 'wav', '-c:a pcm_s16le'),
  alone('PCM of 24 bits', 'wav', '-c:a pcm_s24le'),
  alone('PCM of floats', 'wav', '-c:a pcm_f32le'),
  alone('mu-law of telephones', 'wav', '-c:a pcm_mulaw -ar 8000 -ac 1'),
  alone('ADPCM', 'wav', '-c:a adpcm_ms'),
  // A frame of the encoder's own is in front, and nothing says so; the first two cannot be decoded.
  alone('Windows Media Audio', 'wma', '-c:a wmav2', { beeps: [0.086, 1.043, 2.043, 3.043, 4.043, 5.043] }),
];

const SHAPES: readonly MediaCase[] = [
  ...[22_050, 44_100, 96_000, 192_000].map((rate) =>
    alone(`${rate} samples a second`, 'flac', `-c:a flac -ar ${rate}`),
  ),
  ...['mono', '4.0', '5.1', '7.1'].map((layout) =>
    alone(`${layout} sound`, 'flac', `-c:a flac -af aformat=channel_layouts=${layout}`),
  ),
  alone('half a second of sound', 'wav', '-t 0.5', { soundSeconds: 0.5 }),
];

/** Pictures and sounds that are there besides. */
const COMPANY: readonly MediaCase[] = [
  {
    name: 'MP3 with a cover picture',
    extension: 'mp3',
    make: (kit, path) => runFfmpeg([...covered(kit), ...words('-c:a libmp3lame -id3v2_version 3'), path]),
    expected: ALONE,
  },
  {
    name: 'M4A with a cover picture',
    extension: 'm4a',
    make: (kit, path) => runFfmpeg([...covered(kit), ...words('-c:a aac -disposition:v attached_pic'), path]),
    expected: ALONE,
  },
  {
    name: 'no sound',
    extension: 'mp4',
    make: (kit, path) => runFfmpeg(['-i', kit.plain, '-an', '-c', 'copy', path]),
    expected: { beeps: 'none' },
  },
  {
    // An hour with a single frame is in test/e2e/uneven-ends.test.ts.
    name: 'a still picture with long sound',
    extension: 'mp4',
    make: (kit, path) => {
      const still = [
        '-r',
        1,
        '-i',
        kit.picture,
        '-stream_loop',
        1,
        '-i',
        kit.sound,
        '-vf',
        'loop=-1:1,setpts=N/TB',
      ];
      return runFfmpeg([...still, '-t', 2 * SECONDS, '-r', 1, ...H264, ...AAC, path]);
    },
    expected: {
      seconds: 2 * SECONDS,
      frameRate: { num: 1, den: 1 },
      shows: () => 0,
      soundSeconds: 2 * SECONDS,
    },
  },
  {
    name: 'two languages and a commentary',
    extension: 'mkv',
    make: (kit, path) => {
      const settings =
        '-map 0:v -map 1:a -map 1:a -map 1:a -c:v copy -c:a aac -filter:a:0 volume=0 -filter:a:2 volume=0 ' +
        '-metadata:s:a:0 title=Thoughts -metadata:s:a:1 language=ger -metadata:s:a:2 language=fre ' +
        '-disposition:a:0 default+comment -disposition:a:1 default';
      return runFfmpeg(['-i', kit.plain, '-i', kit.sound, ...words(settings), path]);
    },
    expected: {},
    check({ plan }) {
      assert.deepEqual(
        plan.presentation.tracks.filter(isAudio).map(({ id, label, role }) => [id, label, role]),
        [
          ['a1', 'Deutsch', undefined],
          ['a2', 'français', undefined],
          ['a3', 'Thoughts', 'commentary'],
        ],
      );
    },
  },
];

/** Beside a picture, where every container keeps times in its own way. */
const TIMES: readonly MediaCase[] = [
  {
    // In other containers: test/e2e/sync.test.ts.
    name: 'sound that starts late in Flash video',
    extension: 'flv',
    make: (kit, path) =>
      runFfmpeg(['-i', kit.plain, '-ss', 1.5, '-itsoffset', 1.5, '-i', kit.sound, ...words(COPIED), path]),
    expected: { beeps: beeps(2) },
  },
  {
    name: 'an edit list that cuts seconds of sound',
    extension: 'mp4',
    // Cut at 2.9 s without encoding: all that is before is in the file, hidden.
    make: async (kit, path) => {
      const whole = `${path}.whole.mp4`;
      const twice = ['-stream_loop', 1, '-i', kit.plain, ...H264, '-g', 999, ...AAC];
      await runFfmpeg([...twice, whole]);
      await runFfmpeg(['-ss', 2.9, '-i', whole, '-c', 'copy', path]);
    },
    expected: {
      seconds: 9.12,
      shows: 'anything',
      soundSeconds: 9.1,
      beeps: Array.from({ length: 9 }, (_, second) => 0.1 + second),
    },
  },
  ...inEach('sound that ends early', ['mp4', 'ts'], {
    make: (kit, path) => filtered(kit, path, 'atrim=0:3.5'),
    expected: { beeps: beeps(0, 4) },
  }),
  ...inEach('sound with a hole', ['mp4', 'mkv', 'ts', 'flv'], {
    make: (kit, path) => filtered(kit, path, "aselect='not(between(t,1.5,3.8))'"),
    expected: { beeps: [0, 1, 4, 5] },
  }),
  ...inEach('sound that outlasts the picture', ['mp4', 'mkv'], {
    make: (kit, path) => runFfmpeg(['-t', 2.4, ...inputs(kit), ...H264, ...AAC, path]),
    expected: { shows: (index) => Math.min(index, 59) },
  }),
];

const DAMAGE: readonly MediaCase[] = [
  {
    name: 'MP3 with a torn piece',
    extension: 'mp3',
    make: async (kit, path) => {
      await runFfmpeg(['-i', kit.sound, ...words('-c:a libmp3lame -b:a 128k'), path]);
      // 0.19 s of it, in the quiet after the beep of second 3. MP3 has no time stamps: the rest follows at once.
      await overwrite(path, 3.4 / SECONDS, 3000);
    },
    expected: { ...ALONE, soundSeconds: 5.8, beeps: [0, 1, 2, 3, 3.8, 4.8] },
  },
  {
    name: 'torn sound in MPEG-TS',
    extension: 'ts',
    make: async (kit, path) => {
      await runFfmpeg(['-i', kit.sound, ...words('-c:a ac3 -b:a 192k'), path]);
      await overwrite(path, 3.4 / SECONDS, 5000);
    },
    expected: ALONE,
  },
  {
    name: 'single wrong bytes in AC-3',
    extension: 'mkv',
    make: async (kit, path) => {
      await runFfmpeg(['-i', kit.sound, ...words('-c:a ac3 -b:a 192k'), path]);
      for (let piece = 0; piece < 8; piece++) await overwrite(path, (3.3 + piece * 0.05) / SECONDS, 3);
    },
    expected: ALONE,
  },
  {
    name: 'sound whose rate changes',
    extension: 'ts',
    make: (kit, path) => joined(kit, path, ['-c:a aac -ar 44100', '-c:a aac -ar 32000']),
    expected: ALONE,
  },
  {
    name: 'sound whose channels change',
    extension: 'ts',
    make: (kit, path) => joined(kit, path, ['-c:a ac3 -ac 2', '-c:a ac3 -ac 6']),
    expected: ALONE,
  },
];

export const SOUND_CASES: readonly MediaCase[] = [...CODECS, ...SHAPES, ...COMPANY, ...TIMES, ...DAMAGE];

/** The picture as it is, and the sound. */
const COPIED = '-map 0:v -map 1:a -c:v copy -c:a aac';

/** Beeps of the kit from `from` on, before `until`, in seconds. */
function beeps(from: number, until = SECONDS): number[] {
  return Array.from({ length: until - from }, (_, index) => from + index);
}

/** Sound alone; `settings` are FFmpeg's. */
function alone(name: string, extension: string, settings: string, expected: Expected = {}): MediaCase {
  return {
    name,
    extension,
    make: (kit, path) => runFfmpeg(['-i', kit.sound, ...words(settings), path]),
    expected: { ...ALONE, ...expected },
  };
}

function inEach(
  name: string,
  extensions: readonly string[],
  what: Pick<MediaCase, 'make' | 'expected'>,
): MediaCase[] {
  return extensions.map((extension) => ({ name: `${name} (${extension})`, extension, ...what }));
}

function filtered(kit: Kit, path: string, filter: string): Promise<void> {
  return runFfmpeg(['-i', kit.plain, '-i', kit.sound, '-af', filter, ...words(COPIED), path]);
}

function covered(kit: Kit): string[] {
  return ['-i', kit.sound, '-i', kit.picture, ...words('-map 0:a -map 1:v -frames:v 1 -c:v png')];
}

/** A half of each, one after the other; the change is between two beeps. */
async function joined(kit: Kit, path: string, settings: readonly string[]): Promise<void> {
  for (const [index, setting] of settings.entries()) {
    const part = `${path}.part.ts`;
    const from = index * 3.5;
    const half = ['-ss', from, '-t', 3.5, '-i', kit.sound, '-output_ts_offset', from, '-muxdelay', 0];
    await runFfmpeg([...half, ...words(setting), '-f', 'mpegts', part]);
    await appendFile(path, await readFile(part));
  }
}

/** Overwrites some bytes, a part of the way in. */
async function overwrite(path: string, part: number, count: number): Promise<void> {
  await using file = await open(path, 'r+');
  const { size } = await file.stat();
  await file.write(Buffer.alloc(count, 0xa5), 0, count, Math.round(size * part));
}

/** No free encoder makes it: AAC-LC at 24 kHz, described as the core of SBR at 48 kHz (ISO/IEC 14496-3 1.6.2.1). */
async function makeHeAac(kit: Kit, path: string): Promise<void> {
  await runFfmpeg(['-i', kit.sound, ...words('-c:a aac -ar 24000'), path]);
  const bytes = await readFile(path);
  const at = bytes.indexOf(Buffer.from('131056e500', 'hex'));
  assert.ok(at > 0, 'FFmpeg describes AAC in another way');
  bytes.set(Buffer.from('2b11880000', 'hex'), at);
  await writeFile(path, bytes);
}

function words(text: string): string[] {
  return text.split(' ');
}
