/** Whoever makes what viewers wait for: this process, or whichever gets to it first. Chosen in app.ts. */
import type { Video } from '../catalog/video.ts';
import { AppError } from '../errors.ts';
import type { Plan, TrackEncoding } from '../media/plan.ts';
import type { SourceInfo } from '../media/source.ts';
import type { Resource } from './resource.ts';
import type { TrackAddress } from './segment-store.ts';

/** A video that can be encoded. */
export type Encodable = { readonly video: Video; readonly info: SourceInfo; readonly plan: Plan };

/** Implemented by on-demand.ts and remote-maker.ts. */
export type SegmentMaker = {
  /** Makes the segment, ahead of everything that nobody waits for. `signal` gives up waiting. */
  segment(target: Encodable, trackId: string, index: number, signal: AbortSignal): Promise<Resource>;
  /** A stored segment was asked for: whoever watches will soon want the ones after it. */
  noteWatched(track: TrackAddress, index: number): void;
  /** Stops everything for a video: it was deleted, or its source has changed. Resolves when nothing runs for it here. */
  stop(videoId: string): Promise<void>;
};

/** How the segment is encoded; throws `not_found` where the plan has no such segment. */
export function encodingOf({ plan }: Encodable, trackId: string, index: number): TrackEncoding {
  const encoding = plan.encodings.get(trackId);
  if (encoding === undefined || index + 1 >= encoding.grid.boundaries.length) {
    throw new AppError('not_found', 'there is no such segment');
  }
  return encoding;
}
