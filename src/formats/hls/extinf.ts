import type { Segment } from '../../media/presentation.ts';
import { type Rational, rescale } from '../../media/time.ts';

const MICROSECONDS = { num: 1, den: 1_000_000 };

/**
 * `#EXTINF` (RFC 8216bis 4.4.4.1). Players add these up to find where a segment starts, so each is the
 * difference between two rounded positions, not a rounded difference: the sum is never off by more than a
 * microsecond, however long the video.
 */
export function extinf(segment: Segment, timescale: number): string {
  const start = microsecondsAt({ num: segment.startTicks, den: timescale });
  const end = microsecondsAt({ num: segment.startTicks + segment.durationTicks, den: timescale });
  return `#EXTINF:${((end - start) / 1_000_000).toFixed(6)},`;
}

/** A position as it is rounded for playlists. */
export function microsecondsAt({ num, den }: Rational): number {
  return rescale(num, { num: 1, den }, MICROSECONDS);
}
