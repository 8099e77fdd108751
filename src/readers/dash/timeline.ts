/** When the segments of a Representation begin and how long they last. */
import { AppError } from '../../errors.ts';
import { integerAttribute } from './values.ts';
import { childrenNamed, type XmlElement } from './xml.ts';

/** In all of an MPD, which can ask for any number in few bytes. Ten Representations of five hours in one-second segments. */
export const MAX_SEGMENTS = 200_000;

/** A segment that reaches less than this share of its duration into the Period may be an error of rounding. */
const DOUBTFUL_SHARE = 0.05;

export type TimedSegment = {
  /** On the media's own clock: what `$Time$` stands for. */
  readonly startTicks: number;
  readonly durationTicks: number;
  readonly isDoubtful: boolean;
};

/** How many segments an MPD may still have. */
export type Budget = { segments: number };

/** Takes `count` from what an MPD may have in all; throws `package_invalid` when it is used up. */
export function spend(budget: Budget, count: number): void {
  budget.segments -= count;
  if (budget.segments < 0) throw new AppError('package_invalid', 'the MPD has too many segments');
}

/**
 * The segments of a SegmentTimeline (5.3.9.6). Holes and overlaps go to the segment before, so that segments
 * tile the track. `endTicks`: where the Period ends on the same clock, if anything says so.
 */
export function readTimeline(
  timeline: XmlElement,
  endTicks: number | undefined,
  budget: Budget,
): TimedSegment[] {
  const entries = childrenNamed(timeline, 'S').map((element) => ({
    start: integerAttribute(element, 't'),
    duration: requireDuration(integerAttribute(element, 'd')),
    repeat: repeatOf(element),
  }));
  const segments: { startTicks: number; durationTicks: number; isDoubtful: boolean }[] = [];
  let time = 0;
  entries.forEach(({ start, duration, repeat }, i) => {
    time = start ?? time;
    const until = entries[i + 1]?.start ?? endTicks;
    const count = repeat >= 0 ? repeat + 1 : countUntil(time, duration, until);
    spend(budget, count);
    for (let n = 0; n < count; n++) {
      segments.push({ startTicks: time, durationTicks: duration, isDoubtful: false });
      time += duration;
    }
  });
  if (!Number.isSafeInteger(time)) throw new AppError('package_invalid', 'the SegmentTimeline is too long');
  closeHoles(segments);
  return segments;
}

/** Segments of equal duration from the start of the Period to its end (5.3.9.5.3). */
export function readEqualDurations(
  durationTicks: number,
  firstTicks: number,
  endTicks: number | undefined,
  budget: Budget,
): TimedSegment[] {
  requireDuration(durationTicks);
  const count = countUntil(firstTicks, durationTicks, endTicks);
  spend(budget, count);
  return Array.from({ length: count }, (_, i) => {
    const startTicks = firstTicks + i * durationTicks;
    const rest = (endTicks ?? Infinity) - startTicks;
    const inside = Math.min(durationTicks, Math.max(1, Math.round(rest)));
    return { startTicks, durationTicks: inside, isDoubtful: i > 0 && rest < durationTicks * DOUBTFUL_SHARE };
  });
}

function countUntil(time: number, duration: number, until: number | undefined): number {
  if (until === undefined) {
    throw new AppError(
      'package_invalid',
      'the MPD says neither how many segments there are nor how long they last',
    );
  }
  return Math.max(1, Math.ceil((until - time) / duration - 1e-6));
}

function closeHoles(segments: { startTicks: number; durationTicks: number }[]): void {
  segments.forEach((segment, i) => {
    const next = segments[i + 1];
    if (next !== undefined) segment.durationTicks = requireDuration(next.startTicks - segment.startTicks);
  });
}

function requireDuration(ticks: number | undefined): number {
  if (ticks === undefined || ticks <= 0) {
    throw new AppError('package_invalid', 'the MPD has a segment without a duration');
  }
  return ticks;
}

function repeatOf(element: XmlElement): number {
  if (element.attributes['r']?.trim().startsWith('-')) return -1;
  return integerAttribute(element, 'r') ?? 0;
}
