/** Media for moving fast through a video, derived from stored segments; HLS and DASH address the same. */
import { firstSampleAlone } from '../containers/isobmff/first-sample.ts';
import {
  isVideo,
  type Presentation,
  TRICK_FOLDER,
  type TrickPlay,
  type VideoTrack,
} from '../media/presentation.ts';
import type { FormatInput, Rewrapped } from './format.ts';

/** A track that is offered for it. */
export type TrickPlayTrack = VideoTrack & { readonly trickPlay: TrickPlay };

/** In their order. */
export function trickPlayTracks({ tracks }: Presentation): readonly TrickPlayTrack[] {
  return tracks.filter((track): track is TrickPlayTrack => isVideo(track) && track.trickPlay !== undefined);
}

/** What lies at `path` (see {@link trickPath}); undefined where nothing does. */
export function resolveTrickPlay(
  { presentation, revision }: FormatInput,
  path: string,
): Rewrapped | undefined {
  const [folder, pathRevision, trackId, name = '', ...rest] = path.split('/');
  const number = /^(0|[1-9]\d{0,8})\.m4s$/.exec(name)?.[1];
  const track = trickPlayTracks(presentation).find(({ id }) => id === trackId);
  if (folder !== TRICK_FOLDER || pathRevision !== revision || rest.length > 0 || number === undefined)
    return undefined;
  const index = Number(number);
  if (track === undefined || index >= track.segments.length) return undefined;
  return {
    kind: 'rewrapped',
    mediaType: 'video/iso.segment',
    inputs: [{ trackId: track.id, index }],
    make: ([segment]) => firstSampleAlone(segment!, index),
  };
}
