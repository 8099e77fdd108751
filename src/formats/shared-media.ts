/** What formats of one stored copy have in common. */
import { captionPath } from '../media/captions.ts';
import { initPath, segmentPath, trickPath } from '../media/presentation.ts';
import type { FormatInput } from './format.ts';
import { trickPlayTracks } from './trick-play.ts';

/** Every address of the stored copy and of what is made of it, below `/v/{id}/`. */
export function sharedMedia({ presentation, revision }: FormatInput): readonly string[] {
  return [
    ...presentation.tracks.flatMap(({ id, segments }) => [
      initPath(revision, id),
      ...segments.map(({ index }) => segmentPath(revision, id, index)),
    ]),
    ...trickPlayTracks(presentation).flatMap(({ id, segments }) =>
      segments.map(({ index }) => trickPath(revision, id, index)),
    ),
    ...(presentation.captions ?? []).map(({ id }) => captionPath(id)),
  ];
}
