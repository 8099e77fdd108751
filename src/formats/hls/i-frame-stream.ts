/** `#EXT-X-I-FRAME-STREAM-INF` (RFC 8216bis 4.4.6.3): pictures for moving fast, which a player shows without sound. */
import type { TrickPlayTrack } from '../trick-play.ts';
import { quoted, tag } from './tag.ts';

/** The tag of a track's I-frame Media Playlist. */
export function iFrameStream(track: TrickPlayTrack, uri: string): string {
  return tag('EXT-X-I-FRAME-STREAM-INF', {
    BANDWIDTH: track.trickPlay.peakBitsPerSecond,
    CODECS: quoted(track.codecs),
    RESOLUTION: `${track.width}x${track.height}`,
    URI: quoted(uri),
  });
}
