/** A source of code, to see that the engine works: one second of silence as WAV. */
import type { MediaEngine, SourceBytes } from '../engine/engine.ts';
import { AppError } from '../errors.ts';
import { type Plan, planSource } from '../media/plan.ts';
import type { SourceInfo, SourceVideo } from '../media/source.ts';

const SAMPLE_RATE = 48_000;
const HEADER_BYTES = 44;

/** Decodes and encodes sound, and sets up an encoder for pictures. Throws what the engine throws. */
export async function tryEncoding(engine: MediaEngine, signal: AbortSignal): Promise<void> {
  const source = silence();
  const info = await engine.inspect(source, signal);
  const encodings = encodingsOf(planSource(info));
  const request = { source, info, encodings, first: 0, end: 1, priority: 'viewer' } as const;
  const segments = await Array.fromAsync(engine.encode(request, signal));
  const inits = await engine.initSegments(encodingsOf(planSource(PICTURE)), PICTURE, signal);
  if (segments.length === 0 || inits.size === 0) throw new AppError('encode_failed', 'nothing came of it');
}

function encodingsOf({ encodings }: Plan) {
  return [...encodings.values()];
}

/** 16 bits, one channel. */
function silence(): SourceBytes {
  const bytes = Buffer.alloc(HEADER_BYTES + SAMPLE_RATE * 2);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20); // PCM
  bytes.writeUInt16LE(1, 22); // channels
  bytes.writeUInt32LE(SAMPLE_RATE, 24);
  bytes.writeUInt32LE(SAMPLE_RATE * 2, 28); // bytes a second
  bytes.writeUInt16LE(2, 32); // bytes a sample
  bytes.writeUInt16LE(16, 34); // bits a sample
  bytes.write('data', 36);
  bytes.writeUInt32LE(SAMPLE_RATE * 2, 40);
  return {
    identity: 'one second of silence',
    bytes: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  };
}

const VIDEO: SourceVideo = {
  streamIndex: 0,
  codec: 'h264',
  pixelFormat: 'yuv420p',
  timeBase: { num: 1, den: 25 },
  startTicks: 0,
  endTicks: 25,
  codedWidth: 320,
  codedHeight: 240,
  displayWidth: 320,
  displayHeight: 240,
  rotationDegrees: 0,
  isMirrored: false,
  sampleAspectRatio: { num: 1, den: 1 },
  frameRate: { num: 25, den: 1 },
  isVariableFrameRate: false,
  isInterlaced: false,
  color: { range: 'tv', primaries: 'bt709', transfer: 'bt709', matrix: 'bt709' },
};

/** The init segments follow from the plan alone: such a source need not be there. */
const PICTURE: SourceInfo = { container: 'mov', bytes: 1, video: VIDEO, audio: [] };
