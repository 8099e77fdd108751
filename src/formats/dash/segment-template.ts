/** SegmentTemplate with a SegmentTimeline (ISO/IEC 23009-1 5.3.9.4, 5.3.9.6). */
import type { Segment, Track } from '../../media/presentation.ts';
import { element } from './xml.ts';

/**
 * Addresses and times of a track's segments. `@t` is presentation time, after the init segment's edit list:
 * the grid's own (docs/decisions/010-edit-list-and-timelines.md), so there is no presentationTimeOffset.
 */
export function segmentTemplate(track: Track, revision: string): string {
  const folder = `../cmaf/${revision}/$RepresentationID$`;
  return element(
    'SegmentTemplate',
    {
      timescale: track.timescale,
      initialization: `${folder}/init.mp4`,
      media: `${folder}/$Number$.m4s`,
      startNumber: 0,
    },
    [element('SegmentTimeline', {}, runs(track.segments).map(timelineEntry))],
  );
}

/** Segments of the same duration, one after the other. */
type Run = { readonly startTicks: number; readonly durationTicks: number; count: number };

function runs(segments: readonly Segment[]): readonly Run[] {
  const found: Run[] = [];
  for (const { startTicks, durationTicks } of segments) {
    const last = found.at(-1);
    if (last?.durationTicks === durationTicks) last.count++;
    else found.push({ startTicks, durationTicks, count: 1 });
  }
  return found;
}

/** 5.3.9.6.2: `@t` is needed once, since segments follow each other; `@r` counts repetitions after the first. */
function timelineEntry(run: Run, index: number): string {
  return element('S', {
    t: index === 0 ? run.startTicks : undefined,
    d: run.durationTicks,
    r: run.count > 1 ? run.count - 1 : undefined,
  });
}
