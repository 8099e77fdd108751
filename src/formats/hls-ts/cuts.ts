/**
 * Where the segments of a muxed stream begin: where the picture's do, since each must begin with an IDR frame. The
 * sound is cut nearby, between whole frames.
 */
import type { AudioTrack, Segment, VideoTrack } from '../../media/presentation.ts';
import { type Rational, rescale } from '../../media/time.ts';

/** One segment of a muxed stream. */
export type Cut = {
  /** In seconds, for the playlist. */
  readonly start: Rational;
  readonly end: Rational;
  /** Absent where the sound goes on after the picture. */
  readonly videoIndex?: number;
  /** Sound from here up to, not including, `untilTicks`, in ticks of its track. */
  readonly fromTicks: number;
  readonly untilTicks: number;
  /** The stored segments that this sound lies in. */
  readonly audioIndexes: readonly number[];
};

/**
 * Where a boundary of the sound lies so near to one of the picture, the cut is made there: then one stored segment
 * of each makes a segment, and none has to be encoded for a single frame of it.
 */
const NEAR_SECONDS = 0.1;
/** Sound that outlasts the picture by less belongs to its last segment. */
const REST_SECONDS = 1;

/** The segments of `video` together with the sound; after the last picture, those of the sound alone. */
export function muxedCuts(video: VideoTrack, audio: AudioTrack | undefined): readonly Cut[] {
  const starts = audio?.segments.map(({ startTicks }) => startTicks) ?? [];
  const pictures = video.segments.map(({ startTicks, durationTicks }) => ({
    start: { num: startTicks, den: video.timescale },
    end: { num: startTicks + durationTicks, den: video.timescale },
  }));
  const nearest = pictures.map(({ start }) => nearestStart(start, audio, starts));
  const end = pictures.at(-1)?.end ?? { num: 0, den: 1 };
  const rest = audio === undefined ? [] : soundAfter(end, audio);
  return [
    ...pictures.map(({ start, end: pictureEnd }, index): Cut => {
      const isLast = index === pictures.length - 1;
      const firstOfRest = isLast ? rest[0] : undefined;
      const fromTicks = index === 0 ? -Infinity : nearest[index]!;
      const untilTicks = isLast ? (firstOfRest?.startTicks ?? Infinity) : nearest[index + 1]!;
      return {
        start,
        end: firstOfRest === undefined ? pictureEnd : { num: firstOfRest.startTicks, den: audio!.timescale },
        videoIndex: index,
        fromTicks,
        untilTicks,
        audioIndexes: overlapping(starts, fromTicks, untilTicks),
      };
    }),
    ...rest.map((segment) => soundCut(segment, audio!)),
  ];
}

/** The segments of sound alone. */
export function soundCuts(audio: AudioTrack): readonly Cut[] {
  return audio.segments.map((segment) => soundCut(segment, audio));
}

function soundCut({ index, startTicks, durationTicks }: Segment, { timescale, segments }: AudioTrack): Cut {
  const endTicks = startTicks + durationTicks;
  return {
    start: { num: startTicks, den: timescale },
    end: { num: endTicks, den: timescale },
    fromTicks: index === 0 ? -Infinity : startTicks,
    untilTicks: index === segments.length - 1 ? Infinity : endTicks,
    audioIndexes: [index],
  };
}

/** Whole segments that begin where the picture has ended, if they are worth segments of their own. */
function soundAfter(end: Rational, { segments, timescale }: AudioTrack): readonly Segment[] {
  const endTicks = rescale(end.num, { num: 1, den: end.den }, { num: 1, den: timescale });
  const last = segments.at(-1);
  if (last === undefined || last.startTicks + last.durationTicks < endTicks + REST_SECONDS * timescale)
    return [];
  return segments.filter(({ startTicks }) => startTicks >= endTicks - NEAR_SECONDS * timescale);
}

/** In ticks of the sound. */
function nearestStart(at: Rational, audio: AudioTrack | undefined, starts: readonly number[]): number {
  if (audio === undefined) return 0;
  const ticks = rescale(at.num, { num: 1, den: at.den }, { num: 1, den: audio.timescale });
  const after = lowerBound(starts, ticks);
  const near = [starts[after - 1], starts[after]].filter(
    (start) => start !== undefined && Math.abs(start - ticks) <= NEAR_SECONDS * audio.timescale,
  ) as number[];
  return near.toSorted((a, b) => Math.abs(a - ticks) - Math.abs(b - ticks))[0] ?? ticks;
}

/** The segments, by where they start, that have something between the two. */
function overlapping(starts: readonly number[], from: number, until: number): readonly number[] {
  const first = Math.max(0, lowerBound(starts, from + 1) - 1);
  const end = lowerBound(starts, until);
  return Array.from({ length: Math.max(0, end - first) }, (_, i) => first + i);
}

/** The first place whose value is at least `value`. */
function lowerBound(ascending: readonly number[], value: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
