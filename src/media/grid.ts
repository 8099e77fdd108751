/**
 * The grid: where a track is cut into segments, fixed before anything is encoded. All of it is integer
 * arithmetic on frame numbers, so that any segment can be made on its own, in any order, on any machine.
 */
import type { Segment } from './presentation.ts';
import { type Rational, rescale, toNumber } from './time.ts';

/** What a segment lasts, nearly: the next whole number of frames. */
export const SEGMENT_SECONDS = 4;
/**
 * A rest shorter than this is added to the segment before it. hls.js never ends a stream whose last segment has
 * no more frames than the reorder delay (docs/decisions/011), and tiny objects are of no use to anybody.
 */
const SHORTEST_SEGMENT_SECONDS = 1;
/** Segments in a chunk, the unit of background work. */
export const SEGMENTS_PER_CHUNK = 8;
/** AAC-LC: samples in a frame (ISO/IEC 14496-3 4.5.2.1.1), and the one sample rate that is put out. */
export const AAC_FRAME_SAMPLES = 1024;
export const AUDIO_SAMPLE_RATE = 48_000;

/** How one track is cut: segment k holds the frames from `boundaries[k]` up to, not including, `boundaries[k + 1]`. */
export type TrackGrid = {
  /** Ticks a second. */
  readonly timescale: number;
  /** Ticks of one frame, the same for each. */
  readonly frameTicks: number;
  /** Frame numbers, one more than there are segments; the first is 0, the last the number of frames. */
  readonly boundaries: readonly number[];
};

/** Frames in each segment of video but the last. */
export function framesPerSegment(frameRate: Rational): number {
  return Math.max(1, Math.round(SEGMENT_SECONDS * toNumber(frameRate)));
}

/** The grid of a video track of `frameCount` frames (at least 1). */
export function videoGrid(frameRate: Rational, frameCount: number): TrackGrid {
  const step = framesPerSegment(frameRate);
  const boundaries: number[] = [];
  for (let frame = 0; frame < frameCount; frame += step) boundaries.push(frame);
  endAt(boundaries, frameCount, SHORTEST_SEGMENT_SECONDS * toNumber(frameRate));
  // A timescale of 24 would do for 24 fps, but players compute better with finer ticks.
  const scale = frameRate.num < 10_000 ? 1000 : 1;
  return { timescale: frameRate.num * scale, frameTicks: frameRate.den * scale, boundaries };
}

/**
 * The grid of an audio track of `frameCount` AAC frames (at least 1): whole frames, each boundary the nearest
 * to the video's, so that both kinds of segment cover the same time to within half a frame (11 ms).
 */
export function audioGrid(segmentSeconds: Rational, frameCount: number): TrackGrid {
  const frame: Rational = { num: AAC_FRAME_SAMPLES, den: AUDIO_SAMPLE_RATE };
  const boundaries: number[] = [0];
  for (let k = 1; ; k++) {
    const boundary = rescale(k, segmentSeconds, frame);
    if (boundary >= frameCount) break;
    boundaries.push(boundary);
  }
  endAt(boundaries, frameCount, SHORTEST_SEGMENT_SECONDS / toNumber(frame));
  return { timescale: AUDIO_SAMPLE_RATE, frameTicks: AAC_FRAME_SAMPLES, boundaries };
}

/** Ends the last segment, which joins the one before it where it would have fewer than `least` frames. */
function endAt(boundaries: number[], frameCount: number, least: number): void {
  if (boundaries.length > 1 && frameCount - boundaries.at(-1)! < least) boundaries.pop();
  boundaries.push(frameCount);
}

/** The segments of a grid, in the model that formats know. */
export function segmentsOf(grid: TrackGrid): readonly Segment[] {
  const segments: Segment[] = [];
  for (let index = 0; index + 1 < grid.boundaries.length; index++) {
    const first = grid.boundaries[index]!;
    const end = grid.boundaries[index + 1]!;
    segments.push({
      index,
      startTicks: first * grid.frameTicks,
      durationTicks: (end - first) * grid.frameTicks,
    });
  }
  return segments;
}

/** The chunk that a segment belongs to, as segment indexes: `first` up to, not including, `end`. */
export function chunkOf(
  segmentIndex: number,
  segmentCount: number,
): { readonly first: number; readonly end: number } {
  const first = segmentIndex - (segmentIndex % SEGMENTS_PER_CHUNK);
  return { first, end: Math.min(first + SEGMENTS_PER_CHUNK, segmentCount) };
}
