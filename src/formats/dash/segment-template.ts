/** SegmentTemplate with a SegmentTimeline (ISO/IEC 23009-1 5.3.9.4, 5.3.9.6). */
import { initPath, type Segment, type Track, TRICK_FOLDER } from '../../media/presentation.ts';
import { element } from './xml.ts';

/**
 * Addresses and times of a track's segments. `@t` is presentation time, after the init segment's edit list:
 * the grid's own (docs/decisions/010-edit-list-and-timelines.md), so there is no presentationTimeOffset.
 */
export function segmentTemplate(track: Track, revision: string): string {
  const folder = `../cmaf/${revision}/$RepresentationID$`;
  return templateOf(track, { initialization: `${folder}/init.mp4`, media: `${folder}/$Number$.m4s` });
}

/** As {@link segmentTemplate}, for the first frame of every segment. A Representation of it has an id of its own. */
export function trickPlayTemplate(track: Track, revision: string): string {
  const initialization = `../${initPath(revision, track.id)}`;
  return templateOf(track, {
    initialization,
    media: `../${TRICK_FOLDER}/${revision}/${track.id}/$Number$.m4s`,
  });
}

function templateOf(
  track: Track,
  addresses: { readonly initialization: string; readonly media: string },
): string {
  return element('SegmentTemplate', { timescale: track.timescale, ...addresses, startNumber: 0 }, [
    element('SegmentTimeline', {}, runs(track.segments).map(timelineEntry)),
  ]);
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
