/** Playlists of segments with the sound inside (RFC 8216bis 4.4). */
import type { CaptionTrack } from '../../media/captions.ts';
import {
  type AudioTrack,
  type Presentation,
  type Track,
  type VideoTrack,
  defaultAudio,
  isAudio,
  isVideo,
} from '../../media/presentation.ts';
import { toNumber } from '../../media/time.ts';
import { microsecondsAt } from '../hls/extinf.ts';
import { type AudioGroup, audioRenditions } from '../hls/renditions.ts';
import { subtitleRenditions } from '../hls/subtitles.ts';
import { audioVariants, inStartingOrder, videoVariant } from '../hls/variants.ts';
import type { Cut } from './cuts.ts';

/** 8: durations with fractions need 3, Renditions need 4. Old devices know no more. */
const VERSION_TAG = { plain: '#EXT-X-VERSION:3', withRenditions: '#EXT-X-VERSION:4' } as const;

/** Qualities and sound. `playlistUri` is where a track's playlist is, relative to this one. */
export function multivariantPlaylist(
  { tracks, captions = [] }: Presentation,
  playlistUri: (track: Track | CaptionTrack) => string,
): string {
  const video = tracks.filter(isVideo);
  const audio = tracks.filter(isAudio).map(carried);
  const inside = video.length > 0 ? defaultAudio(audio) : undefined;
  const group = audio.length > 1 ? { id: 'audio', members: audio } : undefined;
  const variants =
    video.length > 0
      ? inStartingOrder(video).map((track) =>
          videoVariant(muxed(track, inside), { audio: without(inside, group), captions }, playlistUri(track)),
        )
      : audioVariants(audio, { audio: group, captions }, playlistUri);
  const lines = [
    '#EXTM3U',
    group === undefined && captions.length === 0 ? VERSION_TAG.plain : VERSION_TAG.withRenditions,
    // 4.4.2.1: every segment starts with an IDR frame.
    '#EXT-X-INDEPENDENT-SEGMENTS',
    // 4.4.6.2.1: a Rendition without a URI lies inside the Variant Streams.
    ...audioRenditions(group === undefined ? [] : [group], (track) =>
      track === inside ? undefined : playlistUri(track),
    ),
    ...subtitleRenditions(captions, playlistUri),
    ...variants,
  ];
  return `${lines.join('\n')}\n`;
}

/** `segmentUri` is where a segment is, relative to the playlist. */
export function mediaPlaylist(cuts: readonly Cut[], segmentUri: (index: number) => string): string {
  const durations = cuts.map(({ start, end }) => microsecondsAt(end) - microsecondsAt(start));
  const lines = [
    '#EXTM3U',
    VERSION_TAG.plain,
    // 4.4.3.1
    `#EXT-X-TARGETDURATION:${Math.max(1, Math.round(Math.max(...durations) / 1_000_000))}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-PLAYLIST-TYPE:VOD',
    ...durations.flatMap((duration, index) => [
      `#EXTINF:${(duration / 1_000_000).toFixed(6)},`,
      segmentUri(index),
    ]),
    '#EXT-X-ENDLIST',
  ];
  return `${lines.join('\n')}\n`;
}

/** Of each PES packet: its own header, what else is new in it, and on average half a packet of stuffing. */
const UNIT_BITS = 8 * (40 + 188 / 2);
const PACKET_RATIO = 188 / 184;
/** Packets of sound a second, and a header for each of its frames. */
const SOUND_BITS = 24 * UNIT_BITS + 100 * 7 * 8;
/** Continuity counters are kept by up to fifteen more packets for each of two streams, in two seconds at the least. */
const SEGMENT_BITS = (2 * 15 * 188 * 8) / 2;

/** A track of sound, with what its wrapping costs. */
function carried(track: AudioTrack): AudioTrack {
  return { ...track, bitrate: wrappedBitrate([track], SOUND_BITS) };
}

/** What a player may fetch besides the Variant Stream. */
function without(inside: AudioTrack | undefined, group: AudioGroup | undefined): AudioGroup | undefined {
  return group && { ...group, members: group.members.filter((track) => track !== inside) };
}

/** The picture with the sound inside. */
function muxed(track: VideoTrack, inside: AudioTrack | undefined): VideoTrack {
  const unitBits = toNumber(track.frameRate) * UNIT_BITS;
  return {
    ...track,
    bitrate: wrappedBitrate(inside === undefined ? [track] : [track, inside], unitBits),
    codecs: inside === undefined ? track.codecs : `${track.codecs},${inside.codecs}`,
  };
}

function wrappedBitrate(tracks: readonly Track[], unitBits: number): Track['bitrate'] {
  const wrapped = (read: (bitrate: Track['bitrate']) => number): number =>
    Math.ceil(
      tracks.reduce((sum, { bitrate }) => sum + read(bitrate), 0) * PACKET_RATIO + unitBits + SEGMENT_BITS,
    );
  return {
    peakBitsPerSecond: wrapped(({ peakBitsPerSecond }) => peakBitsPerSecond),
    averageBitsPerSecond: wrapped(({ averageBitsPerSecond }) => averageBitsPerSecond),
  };
}
