/** Plays a file as the server would: inspect, plan, encode through the engine. FFmpeg says what came out. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { open, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { EncodeRequest, MediaEngine, SourceBytes } from '../../src/engine/engine.ts';
import { type Plan, planSource, type TrackEncoding } from '../../src/media/plan.ts';
import type { SourceInfo } from '../../src/media/source.ts';
import { beepsIn, looks, samples } from '../e2e/judge.ts';
import { requireTool } from '../tools.ts';
import { runFfmpegTo } from './kit.ts';

const ffprobe = requireTool('ffprobe');
const execute = promisify(execFile);
const never = new AbortController().signal;

export type Played = {
  readonly info: SourceInfo;
  readonly plan: Plan;
  /** MP4 of the smallest rung; undefined without a picture. */
  readonly video?: string;
  /** MP4 of the sound. */
  readonly audio?: string;
};

/** Throws the AppError that the file is refused with. */
export async function play(engine: MediaEngine, path: string): Promise<Played> {
  await using source = await openSource(path, path);
  const info = await engine.inspect(source, never);
  const plan = planSource(info);
  const encodings = [...plan.encodings.values()];
  const inits = await engine.initSegments(encodings, info, never);
  const write = async (encoding: TrackEncoding): Promise<string> => {
    const segments = await segmentsOf(engine, source, info, encoding);
    await assertSameAlone(engine, path, info, encoding, segments);
    const file = `${path}.${encoding.trackId}.mp4`;
    await writeFile(file, Buffer.concat([inits.get(encoding.trackId)!, ...segments]));
    return file;
  };
  const video = encodings.findLast(({ kind }) => kind === 'video');
  const audio = encodings.find(({ kind }) => kind === 'audio');
  return {
    info,
    plan,
    ...(video === undefined ? {} : { video: await write(video) }),
    ...(audio === undefined ? {} : { audio: await write(audio) }),
  };
}

/** The number in each frame. */
export async function numbersOf(file: string): Promise<readonly number[]> {
  return (await looks(file, 'v:0')).map(({ number }) => number);
}

/** Seconds at which beeps begin, and how long the sound is. */
export async function beepsOf(file: string): Promise<{ starts: readonly number[]; seconds: number }> {
  const sound = await samples(file);
  return { starts: beepsIn(sound), seconds: sound.length / 48_000 };
}

/** The planes of the first picture, as they are decoded. */
export async function firstPicture(
  file: string,
  width: number,
  height: number,
): Promise<Record<'luma' | 'chromaU' | 'chromaV', Uint8Array>> {
  const bytes = await runFfmpegTo(['-i', file, '-frames:v', 1, '-f', 'rawvideo', '-pix_fmt', 'yuv420p']);
  const [size, chroma] = [width * height, (width * height) / 4];
  return {
    luma: bytes.subarray(0, size),
    chromaU: bytes.subarray(size, size + chroma),
    chromaV: bytes.subarray(size + chroma),
  };
}

/** How FFprobe names the colours of a picture. */
export async function videoTags(
  file: string,
): Promise<Record<'range' | 'matrix' | 'primaries' | 'transfer', string>> {
  const entries = 'stream=color_range,color_space,color_primaries,color_transfer';
  const { stdout } = await execute(ffprobe.path, [
    '-v',
    'error',
    '-show_entries',
    entries,
    '-of',
    'json',
    file,
  ]);
  const [stream] = (JSON.parse(stdout) as { streams: Record<string, string>[] }).streams;
  return {
    range: stream!['color_range']!,
    matrix: stream!['color_space']!,
    primaries: stream!['color_primaries']!,
    transfer: stream!['color_transfer']!,
  };
}

async function segmentsOf(
  engine: MediaEngine,
  source: SourceBytes,
  info: SourceInfo,
  encoding: TrackEncoding,
  first = 0,
  end = encoding.grid.boundaries.length - 1,
  priority: EncodeRequest['priority'] = 'viewer',
): Promise<Uint8Array[]> {
  const request = { source, info, encodings: [encoding], first, end, priority };
  const segments: Uint8Array[] = [];
  for await (const { bytes } of engine.encode(request, never)) segments.push(bytes);
  return segments;
}

/**
 * The background makes the same bytes, and so does a process that begins at the end and has not seen the file yet. Sound is
 * cheap enough to have that one go back to the start, too.
 */
async function assertSameAlone(
  engine: MediaEngine,
  path: string,
  info: SourceInfo,
  encoding: TrackEncoding,
  segments: readonly Uint8Array[],
): Promise<void> {
  if (segments.length < 2) return;
  const last = segments.length - 1;
  await using source = await openSource(path, `${path} again`);
  for (const index of encoding.kind === 'audio' ? [last, 0] : [last]) {
    const [alone] = await segmentsOf(engine, source, info, encoding, index, index + 1, 'background');
    assert.ok(
      Buffer.compare(alone!, segments[index]!) === 0,
      `${encoding.trackId}/${index} differs when made alone`,
    );
  }
}

async function openSource(path: string, identity: string): Promise<SourceBytes & AsyncDisposable> {
  const handle = await open(path);
  const { size } = await handle.stat();
  return {
    identity,
    bytes: size,
    async read(offset, length) {
      const { buffer, bytesRead } = await handle.read({ buffer: new Uint8Array(length), position: offset });
      return buffer.subarray(0, bytesRead);
    },
    [Symbol.asyncDispose]: () => handle.close(),
  };
}
