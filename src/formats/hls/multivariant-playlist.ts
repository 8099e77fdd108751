/** The Multivariant Playlist: which qualities, sounds and captions there are (RFC 8216bis 4.4.6). */
import { type Presentation, type Track, isAudio, isVideo } from '../../media/presentation.ts';
import type { CaptionTrack } from '../../media/captions.ts';
import { trickPlayTracks } from '../trick-play.ts';
import { iFrameStream } from './i-frame-stream.ts';
import { audioGroups, audioRenditions } from './renditions.ts';
import { subtitleRenditions } from './subtitles.ts';
import { VERSION_TAG } from './tag.ts';
import { audioVariants, inStartingOrder, videoVariant } from './variants.ts';

/** Where playlists are, relative to this one. */
export type PlaylistUris = {
  /** The Media Playlist of a track, or of captions. */
  readonly playlist: (track: Track | CaptionTrack) => string;
  /** The I-frame Media Playlist, of a track that is offered for trick play. */
  readonly iFrames: (track: Track) => string;
};

/** The whole playlist. */
export function multivariantPlaylist(presentation: Presentation, uris: PlaylistUris): string {
  const { captions = [] } = presentation;
  const playlistUri = uris.playlist;
  const video = presentation.tracks.filter(isVideo);
  const audio = presentation.tracks.filter(isAudio);
  // Sound alone needs no group, unless there is a choice.
  const groups = video.length > 0 || audio.length > 1 ? audioGroups(audio) : [];
  // Each quality with each group, and the first group first: many players begin with the first Variant Stream.
  const variants = (groups.length > 0 ? groups : [undefined]).flatMap((group) =>
    video.length > 0
      ? inStartingOrder(video).map((track) =>
          videoVariant(track, { audio: group, captions }, playlistUri(track)),
        )
      : audioVariants(audio, { audio: group, captions }, playlistUri),
  );
  const lines = [
    '#EXTM3U',
    VERSION_TAG,
    // 4.4.2.1: every segment starts with an IDR frame, so each can be decoded without the one before.
    '#EXT-X-INDEPENDENT-SEGMENTS',
    ...audioRenditions(groups, playlistUri),
    ...subtitleRenditions(captions, playlistUri),
    ...variants,
    ...trickPlayTracks(presentation).map((track) => iFrameStream(track, uris.iFrames(track))),
  ];
  return `${lines.join('\n')}\n`;
}
