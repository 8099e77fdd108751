/** The limits of H.264 levels (ITU-T H.264 table A-1), to choose the lowest one that holds a stream. */
import { AppError } from '../errors.ts';
import { type Rational, compare, rational } from './time.ts';

export type H264Level = {
  /** level_idc: ten times the level, 31 for level 3.1. */
  readonly levelIdc: number;
  /** Macroblocks of 16 x 16 pixels: a second, a frame, and in the decoded picture buffer. */
  readonly maxMacroblocksPerSecond: number;
  readonly maxMacroblocksPerFrame: number;
  readonly maxBufferedMacroblocks: number;
  /** In units of 1000 bits for Baseline and Main, 1250 for High (A.3.1, A.3.3). */
  readonly maxBitrate: number;
  readonly maxBuffer: number;
};

export const H264_LEVELS: readonly H264Level[] = [
  level(10, 1485, 99, 396, 64, 175),
  level(11, 3000, 396, 900, 192, 500),
  level(12, 6000, 396, 2376, 384, 1000),
  level(13, 11880, 396, 2376, 768, 2000),
  level(20, 11880, 396, 2376, 2000, 2000),
  level(21, 19800, 792, 4752, 4000, 4000),
  level(22, 20250, 1620, 8100, 4000, 4000),
  level(30, 40500, 1620, 8100, 10000, 10000),
  level(31, 108000, 3600, 18000, 14000, 14000),
  level(32, 216000, 5120, 20480, 20000, 20000),
  level(40, 245760, 8192, 32768, 20000, 25000),
  level(41, 245760, 8192, 32768, 50000, 62500),
  level(42, 522240, 8704, 34816, 50000, 62500),
  level(50, 589824, 22080, 110400, 135000, 135000),
  level(51, 983040, 36864, 184320, 240000, 240000),
  level(52, 2073600, 36864, 184320, 240000, 240000),
  level(60, 4177920, 139264, 696320, 240000, 240000),
  level(61, 8355840, 139264, 696320, 480000, 480000),
  level(62, 16711680, 139264, 696320, 800000, 800000),
];

/** Constrained Baseline, Main and High, as x264 names them. */
export type H264Profile = 'baseline' | 'main' | 'high';

export type H264Requirements = {
  /** Decides the factor of bitrates; `high` without it. */
  readonly profile?: H264Profile;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  /** Frames a second. */
  readonly frameRate: Rational;
  /** The rate at which the decoder's buffer fills: x264's `vbv-maxrate`. */
  readonly maxBitsPerSecond: number;
  /** The size of that buffer: x264's `vbv-bufsize`. Without it, one second at the highest rate. */
  readonly bufferBits?: number;
  /** x264's `ref`; 4 without it. */
  readonly referenceFrames?: number;
};

/** level_idc of the lowest level that holds such a stream. Throws `source_unsupported` where even 6.2 does not. */
export function h264LevelFor(requirements: H264Requirements): number {
  const found = H264_LEVELS.find((candidate) => holds(candidate, requirements));
  if (found !== undefined) return found.levelIdc;
  const { width, height } = requirements;
  throw new AppError('source_unsupported', `no H.264 level holds ${width}x${height} pixels at this rate`);
}

function holds(limits: H264Level, stream: H264Requirements): boolean {
  const { frameRate, maxBitsPerSecond, bufferBits = maxBitsPerSecond, referenceFrames = 4 } = stream;
  const columns = Math.ceil(stream.width / 16);
  const rows = Math.ceil(stream.height / 16);
  const perFrame = columns * rows;
  // A.3.1 f and g: neither side is longer than the square root of eight times the frame size.
  const longestSide = Math.sqrt(8 * limits.maxMacroblocksPerFrame);
  // A.3.1 i and j, with the factor of A.3.3.
  const bits = (stream.profile ?? 'high') === 'high' ? 1250 : 1000;
  return (
    perFrame <= limits.maxMacroblocksPerFrame &&
    Math.max(columns, rows) <= longestSide &&
    compare(rational(perFrame * frameRate.num, frameRate.den), rational(limits.maxMacroblocksPerSecond)) <=
      0 &&
    perFrame * referenceFrames <= limits.maxBufferedMacroblocks &&
    maxBitsPerSecond <= limits.maxBitrate * bits &&
    bufferBits <= limits.maxBuffer * bits
  );
}

function level(
  levelIdc: number,
  maxMacroblocksPerSecond: number,
  maxMacroblocksPerFrame: number,
  maxBufferedMacroblocks: number,
  maxBitrate: number,
  maxBuffer: number,
): H264Level {
  return {
    levelIdc,
    maxMacroblocksPerSecond,
    maxMacroblocksPerFrame,
    maxBufferedMacroblocks,
    maxBitrate,
    maxBuffer,
  };
}
