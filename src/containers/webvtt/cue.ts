/** One caption: what is shown from when to when. Times are in milliseconds, the unit of WebVTT and SubRip. */
export type Cue = {
  readonly startMs: number;
  /** After `startMs`. */
  readonly endMs: number;
  /** Cue settings (WebVTT 4.4), valid ones only; empty for none. */
  readonly settings: string;
  /** Cue text (WebVTT 4.2.2): only known tags, everything else escaped; no empty line; never empty. */
  readonly text: string;
};

/** Long films have some 3,000. A player holds all of them in memory. */
export const MAX_CUES = 50_000;

/** No source is longer (see the limits of inspection), and WebVTT writes more hours with as many digits. */
export const MAX_CUE_MS = 100 * 3600 * 1000;

/** What a cue is shown for when its own end says nothing. */
const MENDED_MS = 3000;

/**
 * Puts cues in order and mends their times: what begins before 0 is cut off there, an end that is not after the
 * start becomes three seconds, or less where the next cue begins. What lies outside of any video is left out.
 */
export function mendTimes(cues: readonly Cue[]): readonly Cue[] {
  const sorted = cues
    .filter(({ startMs, endMs }) => startMs < MAX_CUE_MS && (startMs >= 0 || endMs > 0))
    .toSorted(inOrder);
  const mended: Cue[] = [];
  let [later, next] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const cue of sorted.toReversed()) {
    const startMs = Math.max(0, cue.startMs);
    // Cues that begin together have the same next one.
    if (startMs < later) [later, next] = [startMs, later];
    const endMs = cue.endMs > startMs ? Math.min(cue.endMs, MAX_CUE_MS) : Math.min(startMs + MENDED_MS, next);
    mended.push({ ...cue, startMs, endMs });
  }
  // What is shown together stays in its order.
  return mended.toReversed().sort(inOrder);
}

function inOrder(a: Cue, b: Cue): number {
  return a.startMs - b.startMs || a.endMs - b.endMs;
}
