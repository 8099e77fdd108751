/** HLS with CMAF segments (RFC 8216bis: draft-pantos-hls-rfc8216bis). */
import { captionPath, type CaptionTrack } from '../../media/captions.ts';
import {
  type Track,
  initPath,
  presentationDurationSeconds,
  segmentPath,
  trickPath,
} from '../../media/presentation.ts';
import type { Format, FormatInput, Manifest } from '../format.ts';
import { sharedMedia } from '../shared-media.ts';
import { trickPlayTracks } from '../trick-play.ts';
import { iFramePlaylist, mediaPlaylist } from './media-playlist.ts';
import { multivariantPlaylist } from './multivariant-playlist.ts';
import { subtitlePlaylist } from './subtitles.ts';

const FOLDER = 'hls';
const ENTRY = `${FOLDER}/main.m3u8`;

/** From a playlist back to `/v/{id}/`. */
const UP = '..';

export const hls = {
  name: 'hls',
  entry: ENTRY,

  resolve({ presentation, revision }: FormatInput, path: string): Manifest | undefined {
    if (path === ENTRY)
      return playlist(multivariantPlaylist(presentation, { playlist: playlistName, iFrames: iFramesName }));
    const caption = presentation.captions?.find((candidate) => path === playlistPath(candidate));
    if (caption !== undefined) {
      return playlist(
        subtitlePlaylist(presentationDurationSeconds(presentation), `${UP}/${captionPath(caption.id)}`),
      );
    }
    const trick = trickPlayTracks(presentation).find((candidate) => path === iFramesPath(candidate));
    if (trick !== undefined) {
      return playlist(
        iFramePlaylist(trick, {
          initUri: `${UP}/${initPath(revision, trick.id)}`,
          segmentUri: (index) => `${UP}/${trickPath(revision, trick.id, index)}`,
        }),
      );
    }
    const track = presentation.tracks.find((candidate) => path === playlistPath(candidate));
    if (track === undefined) return undefined;
    return playlist(
      mediaPlaylist(track, {
        initUri: `${UP}/${initPath(revision, track.id)}`,
        segmentUri: (index) => `${UP}/${segmentPath(revision, track.id, index)}`,
      }),
    );
  },

  paths({ presentation }: FormatInput): readonly string[] {
    const { tracks, captions = [] } = presentation;
    return [
      ENTRY,
      ...[...tracks, ...captions].map(playlistPath),
      ...trickPlayTracks(presentation).map(iFramesPath),
    ];
  },

  media: sharedMedia,
} satisfies Format;

function playlistPath(track: Track | CaptionTrack): string {
  return `${FOLDER}/${playlistName(track)}`;
}

function iFramesPath(track: Track): string {
  return `${FOLDER}/${iFramesName(track)}`;
}

function iFramesName(track: Track): string {
  return `${track.id}-iframes.m3u8`;
}

function playlistName(track: Track | CaptionTrack): string {
  return `${track.id}.m3u8`;
}

/** RFC 8216bis 4: this media type, always UTF-8. */
function playlist(text: string): Manifest {
  return { kind: 'manifest', mediaType: 'application/vnd.apple.mpegurl', text };
}
