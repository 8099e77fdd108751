/** Between presentation time, which viewers know, and the times in a source. */
import { originOf } from './plan.ts';
import type { SourceInfo, SourceSpan } from './source.ts';
import { toNumber } from './time.ts';

/** Where `seconds` of the presentation lie in a track of the source, in its ticks; within the track. */
export function sourceTicksAt(source: SourceInfo, track: SourceSpan, seconds: number): number {
  const ticks = Math.round((toNumber(originOf(source)) + seconds) / toNumber(track.timeBase));
  return Math.min(Math.max(ticks, track.startTicks), Math.max(track.startTicks, track.endTicks - 1));
}
