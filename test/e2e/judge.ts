/** FFmpeg of the system as a judge of what the server hands out: times, pictures and sound as it decodes them. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { isFlash, readFrameNumber } from '../fixtures/picture.ts';
import { BEEP_SECONDS } from '../fixtures/sound.ts';
import { requireTool } from '../tools.ts';

const ffmpeg = requireTool('ffmpeg');
const ffprobe = requireTool('ffprobe');

/** For a test's options: `false`, or why nothing can be judged here. */
export const skipWithoutFfmpeg = ffmpeg.skip || ffprobe.skip;

export const SAMPLE_RATE = 48_000;
/** Numbers and flashes of the test picture are still clear at this size. */
const [WIDTH, HEIGHT] = [320, 180];

/** Presentation times in seconds of every decoded frame of one stream (`v:0`). Any complaint of FFmpeg fails. */
export async function frameTimes(input: string, stream: string): Promise<readonly number[]> {
  const entries = ['-select_streams', stream, '-show_entries', 'frame=pts_time', '-of', 'csv=p=0'];
  const output = await run(ffprobe.path, ['-v', 'error', ...entries, input]);
  return output
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Number.parseFloat(line));
}

/** For each decoded frame of one stream its time, its length and a hash of its content. */
export async function frameHashes(input: string, stream: string): Promise<readonly string[]> {
  const output = await decode(input, stream, ['-fps_mode', 'passthrough', '-f', 'framemd5']);
  return output
    .toString()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** `start_time` of every stream, as FFprobe says it. */
export async function startTimes(input: string): Promise<readonly number[]> {
  const entries = ['-show_entries', 'stream=index,start_time', '-of', 'json'];
  const output = JSON.parse(String(await run(ffprobe.path, ['-v', 'error', ...entries, input]))) as {
    streams: { index: number; start_time: string }[];
  };
  return output.streams.map(({ start_time }) => Number.parseFloat(start_time));
}

export type Look = { readonly number: number; readonly isFlash: boolean };

/** What each frame of the test picture shows. */
export async function looks(input: string, stream: string): Promise<readonly Look[]> {
  const filter = `scale=${WIDTH}:${HEIGHT},format=gray`;
  const luma = await decode(input, stream, ['-vf', filter, '-fps_mode', 'passthrough', '-f', 'rawvideo']);
  const size = WIDTH * HEIGHT;
  return Array.from({ length: luma.length / size }, (_, index) => {
    const picture = luma.subarray(index * size, (index + 1) * size);
    return { number: readFrameNumber(picture, WIDTH, HEIGHT), isFlash: isFlash(picture, WIDTH, HEIGHT) };
  });
}

/** Mono samples at 48 kHz, -1 to 1. */
export async function samples(input: string, stream = 'a:0'): Promise<Float32Array> {
  const raw = await decode(input, stream, ['-ac', '1', '-ar', String(SAMPLE_RATE), '-f', 'f32le']);
  return new Float32Array(Uint8Array.from(raw).buffer);
}

/** Where sound begins after silence, in seconds from the first sample. */
export function beepsIn(sound: Float32Array): readonly number[] {
  const beeps: number[] = [];
  let lastLoud = Number.NEGATIVE_INFINITY;
  sound.forEach((sample, index) => {
    if (Math.abs(sample) < 0.05) return;
    if (index - lastLoud > BEEP_SECONDS * SAMPLE_RATE) beeps.push(index / SAMPLE_RATE);
    lastLoud = index;
  });
  return beeps;
}

/** SSIM of the luma of each frame of `input` against the same frame of `reference`, which is scaled to its size. */
export async function ssim(
  input: string,
  reference: string,
  size: { readonly width: number; readonly height: number },
): Promise<readonly number[]> {
  const scaled = `[1:v:0]scale=${size.width}:${size.height}:flags=bicubic,settb=1/1000,setpts=N*40[r]`;
  const graph = `[0:v:0]settb=1/1000,setpts=N*40[i];${scaled};[i][r]ssim=stats_file=-`;
  const output = await run(ffmpeg.path, [
    '-v',
    'error',
    '-i',
    input,
    '-i',
    reference,
    '-lavfi',
    graph,
    '-fps_mode',
    'passthrough',
    '-enc_time_base',
    '1:1000',
    '-f',
    'null',
    '-',
  ]);
  return [...output.toString().matchAll(/ Y:([\d.]+|nan|inf)/g)].map(([, luma]) => Number(luma));
}

async function decode(input: string, stream: string, output: readonly string[]): Promise<Buffer> {
  return run(ffmpeg.path, ['-v', 'error', '-i', input, '-map', `0:${stream}`, ...output, '-']);
}

async function run(program: string, options: readonly string[]): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const settings = { encoding: 'buffer', maxBuffer: 2 ** 30 } as const;
  execFile(program, options, settings, (error, stdout, stderr) => {
    if (error !== null) return reject(error);
    try {
      assert.equal(stderr.toString(), '', `${program} ${options.join(' ')}`);
      resolve(stdout);
    } catch (complaint) {
      reject(complaint);
    }
  });
  return promise;
}
