import { type Cue, mendTimes } from './cue.ts';

/** Times are rounded to a millisecond on either side of a cut. */
const TOUCHING_MS = 2;

/**
 * Cues of segments as those of one text: what several segments repeat, since it is shown in all of them, is there once,
 * and what was cut at their boundaries is whole again.
 */
export function joinCues(cues: readonly Cue[]): readonly Cue[] {
  const joined: Cue[] = [];
  const lastOf = new Map<string, number>();
  for (const cue of mendTimes(cues)) {
    const key = JSON.stringify([cue.settings, cue.text]);
    const at = lastOf.get(key);
    const before = at === undefined ? undefined : joined[at];
    if (before !== undefined && cue.startMs <= before.endMs + TOUCHING_MS) {
      joined[at!] = { ...before, endMs: Math.max(before.endMs, cue.endMs) };
      continue;
    }
    lastOf.set(key, joined.push(cue) - 1);
  }
  return joined;
}
