/**
 * The ladder: which qualities a video is offered in. The table is data; everything else follows from it.
 * A rung is named by the short side of the picture (`480p` is 854x480 in landscape and 480x854 in portrait).
 */
import { h264LevelFor } from './codecs.ts';
import type { SourceVideo } from './source.ts';
import { type Rational, toNumber } from './time.ts';

/** What one rung asks of the encoder at up to 30 frames a second. */
type LadderRow = {
  readonly shortSide: number;
  /** Constant rate factor of x264: the quality aimed at. Smaller pictures are magnified, so they aim higher. */
  readonly crf: number;
  /** Of the encoder. Fixed, not what a machine has: with another number the same frames give other bytes. */
  readonly threads: number;
  /** Cap in bits a second: difficult scenes lose quality instead of stalling viewers. */
  readonly maxBitsPerSecond: number;
  /** What ordinary material needs: the first guess of AVERAGE-BANDWIDTH, before anything is measured. */
  readonly averageBitsPerSecond: number;
};

const LADDER: readonly LadderRow[] = [
  { shortSide: 2160, crf: 23, threads: 6, maxBitsPerSecond: 16_000_000, averageBitsPerSecond: 10_000_000 },
  { shortSide: 1440, crf: 23, threads: 4, maxBitsPerSecond: 9_000_000, averageBitsPerSecond: 5_500_000 },
  { shortSide: 1080, crf: 23, threads: 4, maxBitsPerSecond: 5_500_000, averageBitsPerSecond: 3_200_000 },
  { shortSide: 720, crf: 23, threads: 2, maxBitsPerSecond: 3_000_000, averageBitsPerSecond: 1_700_000 },
  { shortSide: 480, crf: 23, threads: 2, maxBitsPerSecond: 1_500_000, averageBitsPerSecond: 850_000 },
  { shortSide: 360, crf: 23, threads: 2, maxBitsPerSecond: 900_000, averageBitsPerSecond: 520_000 },
  { shortSide: 240, crf: 24, threads: 2, maxBitsPerSecond: 450_000, averageBitsPerSecond: 260_000 },
];

/** Above 30 frames a second a picture costs more, but less than in proportion: frames resemble each other more. */
const HIGH_FRAME_RATE = 31;
const HIGH_FRAME_RATE_FACTOR = 1.5;

/** The decoder's buffer, in seconds at the cap: how far one scene may burst above it (H.264 Annex C). */
const BUFFER_SECONDS = 1;
/** x264 starts with its buffer this full, so one segment may exceed the cap by this part of the buffer. */
const INITIAL_BUFFER_FULLNESS = 0.9;

/** What the container adds: the entry of a frame in `trun`, and the rest of `moof`. */
const FRAME_OVERHEAD_BITS = 12 * 8;
const SEGMENT_OVERHEAD_BITS = 200 * 8;

/** Of the highest level, 6.2 (ITU-T H.264 table A-1). */
const MAX_MACROBLOCKS = 139_264;
/** No side may be smaller: encoders and players refuse less. */
const SMALLEST_SIDE = 16;
/** Nor larger (H.264 A.3.1, of the highest level): a thread of a picture loses its shape. */
const LARGEST_SIDE = 16_880;

/** One quality of one video: everything that the encoder must be told, all explicit. */
export type Rung = {
  /** `480p`, or with a high frame rate `720p60`. */
  readonly name: string;
  /** Square pixels, always even. */
  readonly width: number;
  readonly height: number;
  readonly crf: number;
  readonly threads: number;
  readonly maxBitsPerSecond: number;
  /** Size of the decoder's buffer (VBV) in bits. */
  readonly bufferBits: number;
  readonly averageBitsPerSecond: number;
  /** H.264 level_idc: 30 is level 3.0. */
  readonly level: number;
};

/**
 * The rungs for a source, the highest first: never upscaled (but for what no encoder takes), and the source's own size on top where it is not
 * one of the table's.
 */
export function ladderFor(video: SourceVideo): readonly Rung[] {
  const shortSide = Math.max(SMALLEST_SIDE, Math.min(video.displayWidth, video.displayHeight));
  const below = LADDER.filter((row) => row.shortSide <= shortSide);
  const isStandardSize = below[0]?.shortSide === shortSide;
  const rows = isStandardSize ? below : [interpolatedRow(shortSide), ...below];
  const rungs = rows.filter((row) => isEncodable(row, video)).map((row) => rungOf(row, video));
  // Tiny sources are rounded to the same even size more than once.
  return rungs.filter(
    (rung, index) =>
      rungs.findIndex((other) => other.height === rung.height && other.width === rung.width) === index,
  );
}

/** The most that one segment of `segmentSeconds` can hold on average, given how the cap works. */
export function peakBitsPerSecond(rung: Rung, frameRate: Rational, segmentSeconds: number): number {
  const burst = (rung.bufferBits * INITIAL_BUFFER_FULLNESS) / segmentSeconds;
  const overhead = toNumber(frameRate) * FRAME_OVERHEAD_BITS + SEGMENT_OVERHEAD_BITS / segmentSeconds;
  return Math.ceil(rung.maxBitsPerSecond + burst + overhead);
}

/** The most that the first frame of a segment can hold, on average over the segment: what the buffer lets through. */
export function trickPlayBitsPerSecond(rung: Rung, segmentSeconds: number): number {
  const bits = rung.bufferBits * INITIAL_BUFFER_FULLNESS + FRAME_OVERHEAD_BITS + SEGMENT_OVERHEAD_BITS;
  return Math.ceil(bits / segmentSeconds);
}

/** A row for a size between those of the table: bitrates in proportion to a power of the number of pixels. */
function interpolatedRow(shortSide: number): LadderRow {
  const nearest = LADDER.reduce((best, row) =>
    Math.abs(row.shortSide - shortSide) < Math.abs(best.shortSide - shortSide) ? row : best,
  );
  // Bits grow slower than pixels: the exponent that fits the table's own steps is about 1.55 of the side.
  const factor = (shortSide / nearest.shortSide) ** 1.55;
  return {
    shortSide,
    crf: nearest.crf,
    threads: nearest.threads,
    maxBitsPerSecond: roundTo(Math.max(nearest.maxBitsPerSecond * factor, 100_000), 1000),
    averageBitsPerSecond: roundTo(Math.max(nearest.averageBitsPerSecond * factor, 60_000), 1000),
  };
}

/** Whether H.264 has a level for the size. A larger source is offered from the next standard size down. */
function isEncodable(row: LadderRow, video: SourceVideo): boolean {
  const { width, height } = sizeOf(row, video);
  return Math.ceil(width / 16) * Math.ceil(height / 16) <= MAX_MACROBLOCKS;
}

function sizeOf(row: LadderRow, video: SourceVideo): { readonly width: number; readonly height: number } {
  const scale = row.shortSide / Math.min(video.displayWidth, video.displayHeight);
  return { width: evenSide(video.displayWidth * scale), height: evenSide(video.displayHeight * scale) };
}

function rungOf(row: LadderRow, video: SourceVideo): Rung {
  const { width, height } = sizeOf(row, video);
  const factor = isHighFrameRate(video.frameRate) ? HIGH_FRAME_RATE_FACTOR : 1;
  const maxBitsPerSecond = row.maxBitsPerSecond * factor;
  return {
    name: `${row.shortSide}p${isHighFrameRate(video.frameRate) ? Math.round(toNumber(video.frameRate)) : ''}`,
    width,
    height,
    crf: row.crf,
    threads: row.threads,
    maxBitsPerSecond,
    bufferBits: maxBitsPerSecond * BUFFER_SECONDS,
    averageBitsPerSecond: row.averageBitsPerSecond * factor,
    level: h264LevelFor({
      width,
      height,
      frameRate: video.frameRate,
      maxBitsPerSecond,
      bufferBits: maxBitsPerSecond * BUFFER_SECONDS,
    }),
  };
}

function isHighFrameRate(frameRate: Rational): boolean {
  return toNumber(frameRate) > HIGH_FRAME_RATE;
}

/** 4:2:0 needs even sides. */
function evenSide(side: number): number {
  return Math.min(LARGEST_SIDE, Math.max(SMALLEST_SIDE, 2 * Math.round(side / 2)));
}

function roundTo(value: number, step: number): number {
  return Math.round(value / step) * step;
}
