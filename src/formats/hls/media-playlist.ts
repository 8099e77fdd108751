/** A Media Playlist: the segments of one track (RFC 8216bis 4.4.3, 4.4.4). */
import type { Track } from '../../media/presentation.ts';
import { extinf } from './extinf.ts';
import { VERSION_TAG, quoted, tag } from './tag.ts';

/** Where a track's bytes are, relative to the playlist. */
export type TrackAddresses = {
  readonly initUri: string;
  readonly segmentUri: (index: number) => string;
};

/** The whole playlist: nothing about it changes later, because the grid is fixed before anything is encoded. */
export function mediaPlaylist(track: Track, addresses: TrackAddresses): string {
  return playlistOf(track, addresses, []);
}

/** An I-frame Media Playlist: each segment is one I-frame, which lasts until the next one (4.4.3.6). */
export function iFramePlaylist(track: Track, addresses: TrackAddresses): string {
  return playlistOf(track, addresses, ['#EXT-X-I-FRAMES-ONLY']);
}

function playlistOf(track: Track, addresses: TrackAddresses, tags: readonly string[]): string {
  const lines = [
    '#EXTM3U',
    VERSION_TAG,
    `#EXT-X-TARGETDURATION:${targetDuration(track)}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-PLAYLIST-TYPE:VOD',
    ...tags,
    tag('EXT-X-MAP', { URI: quoted(addresses.initUri) }),
    ...track.segments.flatMap((segment) => [
      extinf(segment, track.timescale),
      addresses.segmentUri(segment.index),
    ]),
    '#EXT-X-ENDLIST',
  ];
  return `${lines.join('\n')}\n`;
}

/** RFC 8216bis 4.4.3.1: no segment's duration, rounded to the nearest second, is above it. */
function targetDuration(track: Track): number {
  const longest = track.segments.reduce((ticks, segment) => Math.max(ticks, segment.durationTicks), 0);
  return Math.max(1, Math.round(longest / track.timescale));
}
