/** Files that are broken, or say what is not true. */
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { type Kit, runFfmpeg } from './kit.ts';
import type { Expected, MediaCase } from './media-case.ts';

/** Where exactly a file breaks off depends on FFmpeg; the last pictures may lack what they refer to. */
const TWO_THIRDS: Expected = {
  seconds: [3, 4.8],
  soundSeconds: [3, 4.8],
  shows: (index) => (index < 70 ? index : undefined),
  beeps: 'some',
};

export const DAMAGE_CASES: readonly MediaCase[] = [
  cutOff('cut off Matroska', 'mkv', [], TWO_THIRDS),
  cutOff('cut off MPEG-TS', 'ts', [], TWO_THIRDS),
  cutOff('cut off AVI', 'avi', ['-bsf:v', 'h264_mp4toannexb'], TWO_THIRDS),
  cutOff('cut off MP4 with its index in front', 'mp4', ['-movflags', '+faststart'], TWO_THIRDS),
  cutOff('cut off MP4 with its index at the end', 'mp4', [], {
    code: 'source_damaged',
    message: /cut off or damaged/,
  }),
  damaged('damaged in the middle', 'ts'),
  damaged('damaged in the middle of Matroska', 'mkv'),
  claiming('a header that says 10 times the duration', 'mkv', (bytes) => scaleDuration(bytes, 10)),
  claiming('a header that says a tenth of the duration', 'mkv', (bytes) => scaleDuration(bytes, 0.1)),
  {
    name: 'a header without a duration',
    extension: 'flv',
    make: (kit, path) =>
      runFfmpeg(['-i', kit.plain, '-c', 'copy', '-flvflags', 'no_duration_filesize', path]),
    expected: {},
  },
  claiming('a frame rate of 0', 'avi', (bytes) => {
    // AVISTREAMHEADER: dwScale and dwRate, 20 bytes into the content of the first `strh`.
    bytes.fill(0, bytes.indexOf('strh', 0, 'latin1') + 8 + 20, bytes.indexOf('strh', 0, 'latin1') + 8 + 28);
  }),
  {
    name: 'not media',
    extension: 'mp4',
    make: (_kit, path) => writeFile(path, '#EXTM3U\nhttp://127.0.0.1/secret\n'),
    expected: { code: 'source_not_media', message: /not a video or audio file/ },
  },
  {
    name: 'empty',
    extension: 'mp4',
    make: (_kit, path) => writeFile(path, ''),
    expected: { code: 'source_empty', message: /empty/ },
  },
];

/** With its last third missing. */
function cutOff(
  name: string,
  extension: string,
  options: readonly string[],
  expected: MediaCase['expected'],
): MediaCase {
  return {
    name,
    extension,
    make: async (kit, path) => {
      await pack(kit, path, options);
      const { length } = await readFile(path);
      await truncate(path, Math.floor((length * 2) / 3));
    },
    expected,
  };
}

/** A tenth is overwritten: what comes before and well after it is right. */
function damaged(name: string, extension: string): MediaCase {
  return {
    name,
    extension,
    make: async (kit, path) => {
      await pack(kit, path, []);
      await change(path, (bytes) =>
        bytes.fill(0x55, Math.floor(bytes.length * 0.4), Math.floor(bytes.length * 0.5)),
      );
    },
    expected: {
      // The keyframe after the damage is at 4 s.
      shows: (index) => (index < 40 || index >= 100 ? index : undefined),
      beeps: 'some',
    },
  };
}

function claiming(name: string, extension: string, alter: (bytes: Buffer) => void): MediaCase {
  return {
    name,
    extension,
    make: async (kit, path) => {
      await pack(kit, path, extension === 'avi' ? ['-bsf:v', 'h264_mp4toannexb'] : []);
      await change(path, alter);
    },
    expected: {},
  };
}

function pack(kit: Kit, path: string, options: readonly string[]): Promise<void> {
  return runFfmpeg(['-i', kit.plain, '-c', 'copy', ...options, path]);
}

async function change(path: string, alter: (bytes: Buffer) => void): Promise<void> {
  const bytes = await readFile(path);
  alter(bytes);
  await writeFile(path, bytes);
}

/** The element Duration (0x4489) of Matroska, a float of 8 bytes (RFC 9559 5.1.2.10). */
function scaleDuration(bytes: Buffer, factor: number): void {
  const at = bytes.indexOf(Uint8Array.of(0x44, 0x89, 0x88)) + 3;
  bytes.writeDoubleBE(bytes.readDoubleBE(at) * factor, at);
}
