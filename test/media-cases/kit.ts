/** What cases are made of: a numbered picture, a beep at each whole second, and FFmpeg to twist them. */
import { execFile } from 'node:child_process';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createPainter } from '../fixtures/picture.ts';
import { secondOfSound } from '../fixtures/sound.ts';
import { requireTool } from '../tools.ts';

/** Of the picture that cases are made of. Numbers can still be read from it after any codec. */
export const WIDTH = 320;
export const HEIGHT = 180;
/** Two segments at 25 frames a second, so that one of them can be made without the other. */
export const SECONDS = 6;
export const FRAMES = 25 * SECONDS;
const SAMPLE_RATE = 48_000;

const ffmpeg = requireTool('ffmpeg');
const execute = promisify(execFile);

/** For a test's options: `false`, or why no case can be made here. */
export const skipWithoutFfmpeg = ffmpeg.skip;

export type Kit = {
  /** For the cases' own scraps. */
  readonly folder: string;
  /** Raw pictures, 25 a second: picture k shows the number k. */
  readonly picture: string;
  /** Stereo at 48 kHz: a beep of 100 ms at each whole second. */
  readonly sound: string;
  /** Both, as H.264 with B-frames and AAC in MP4: a keyframe each 2 s. For cases that only pack it anew. */
  readonly plain: string;
};

/** Settings that are quick. FFmpeg would otherwise repeat and drop frames as it sees fit. */
const PASS = ['-fps_mode', 'passthrough'];
export const H264 = [
  ...PASS,
  '-c:v',
  'libx264',
  '-preset',
  'ultrafast',
  '-crf',
  '26',
  '-bf',
  '2',
  '-g',
  '50',
];
export const AAC = ['-c:a', 'aac', '-b:a', '96k'];

/** Makes the picture and the sound that all cases share. */
export async function makeKit(folder: string): Promise<Kit> {
  const at = (name: string): string => join(folder, name);
  const kit = { folder, picture: at('picture.y4m'), sound: at('sound.wav'), plain: at('plain.mp4') };
  await writePicture(kit.picture);
  await writeSound(kit.sound);
  await runFfmpeg([...inputs(kit), ...H264, ...AAC, kit.plain]);
  return kit;
}

/** Inputs of FFmpeg: the picture (0:v), its frames at the given rate, and the sound (1:a). */
export function inputs(kit: Kit, rate: string | number = 25): string[] {
  return ['-r', String(rate), '-i', kit.picture, '-i', kit.sound];
}

/** Runs FFmpeg. Rejects with what it complains of. */
export async function runFfmpeg(options: readonly (string | number)[]): Promise<void> {
  await execute(ffmpeg.path, ['-nostdin', '-v', 'error', '-y', ...options.map(String)]);
}

/** What FFmpeg writes to its standard output. */
export async function runFfmpegTo(options: readonly (string | number)[]): Promise<Uint8Array> {
  const settings = { encoding: 'buffer', maxBuffer: 2 ** 26 } as const;
  const { stdout } = await execute(ffmpeg.path, ['-v', 'error', ...options.map(String), '-'], settings);
  return stdout;
}

async function writePicture(path: string): Promise<void> {
  const paint = createPainter({ width: WIDTH, height: HEIGHT, frameRate: { num: 25, den: 1 } });
  await using file = await open(path, 'w');
  await file.write(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F25:1 Ip A1:1 C420mpeg2\n`);
  for (let index = 0; index < FRAMES; index++) {
    const { luma, chromaU, chromaV } = paint(index);
    await file.writev([Buffer.from('FRAME\n'), luma, chromaU, chromaV]);
  }
}

async function writeSound(path: string): Promise<void> {
  const second = secondOfSound(SAMPLE_RATE);
  const dataBytes = SAMPLE_RATE * SECONDS * 4;
  const bytes = Buffer.alloc(44 + dataBytes);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(36 + dataBytes, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20); // PCM
  bytes.writeUInt16LE(2, 22);
  bytes.writeUInt32LE(SAMPLE_RATE, 24);
  bytes.writeUInt32LE(SAMPLE_RATE * 4, 28);
  bytes.writeUInt16LE(4, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(dataBytes, 40);
  for (let index = 0; index < SAMPLE_RATE * SECONDS; index++) {
    const sample = Math.round((second[index % SAMPLE_RATE] ?? 0) * 32_767);
    bytes.writeInt16LE(sample, 44 + index * 4);
    bytes.writeInt16LE(sample, 46 + index * 4);
  }
  await writeFile(path, bytes);
}
