/** `#EXT-X-STREAM-INF` (RFC 8216bis 4.4.6.2): one Variant Stream for each quality, with the sound it needs. */
import type { CaptionTrack } from '../../media/captions.ts';
import { type AudioTrack, type Track, type VideoTrack, defaultAudio } from '../../media/presentation.ts';
import { toNumber } from '../../media/time.ts';
import type { AudioGroup } from './renditions.ts';
import { SUBTITLES_GROUP } from './subtitles.ts';
import { quoted, tag } from './tag.ts';

/** Many players (Apple's before iOS 13) begin with the first Variant Stream: what most connections carry at once. */
const FIRST_VARIANT_BITS_PER_SECOND = 2_000_000;

/** What a Variant Stream is played together with: one of the sounds of a group, and captions for who wants them. */
export type Groups = { readonly audio: AudioGroup | undefined; readonly captions: readonly CaptionTrack[] };

/** Tag and URI of a video track, played together with one of each of its groups. */
export function videoVariant(track: VideoTrack, { audio, captions }: Groups, uri: string): string {
  const members = audio?.members ?? [];
  const inf = tag('EXT-X-STREAM-INF', {
    ...bandwidth([track], members),
    CODECS: codecs([track, ...members]),
    RESOLUTION: `${track.width}x${track.height}`,
    'FRAME-RATE': toNumber(track.frameRate).toFixed(3),
    AUDIO: quoted(audio?.id),
    SUBTITLES: subtitles(captions),
    // True of what we encode: no captions are carried inside the video.
    'CLOSED-CAPTIONS': 'NONE',
  });
  return `${inf}\n${uri}`;
}

/** Tag and URI of what a presentation without pictures begins with; where there is a choice, a group has it all. */
export function audioVariants(
  tracks: readonly AudioTrack[],
  { audio, captions }: Groups,
  playlistUri: (track: Track) => string,
): readonly string[] {
  const members = audio?.members ?? [];
  const standard = defaultAudio(audio?.members ?? tracks);
  if (standard === undefined) return [];
  const inf = tag('EXT-X-STREAM-INF', {
    ...bandwidth(audio === undefined ? [standard] : [], members),
    CODECS: codecs([standard, ...members]),
    AUDIO: quoted(audio?.id),
    SUBTITLES: subtitles(captions),
  });
  return [`${inf}\n${playlistUri(standard)}`];
}

/** The best quality that starts quickly comes first, then the others from the highest down. */
export function inStartingOrder(tracks: readonly VideoTrack[]): readonly VideoTrack[] {
  const descending = tracks.toSorted((a, b) => b.bitrate.peakBitsPerSecond - a.bitrate.peakBitsPerSecond);
  const first =
    descending.find((track) => track.bitrate.peakBitsPerSecond <= FIRST_VARIANT_BITS_PER_SECOND) ??
    descending.at(-1);
  return descending.toSorted((a, b) => Number(b === first) - Number(a === first));
}

/** 4.4.6.2: BANDWIDTH is for the costliest combination that a player can make of the variant and its group. */
function bandwidth(own: readonly Track[], group: readonly AudioTrack[]) {
  const costliest = (read: (track: Track) => number) =>
    own.reduce((sum, track) => sum + read(track), 0) + Math.max(0, ...group.map(read));
  return {
    BANDWIDTH: costliest((track) => track.bitrate.peakBitsPerSecond),
    'AVERAGE-BANDWIDTH': costliest((track) => track.bitrate.averageBitsPerSecond),
  };
}

function subtitles(captions: readonly CaptionTrack[]) {
  return captions.length > 0 ? quoted(SUBTITLES_GROUP) : undefined;
}

function codecs(tracks: readonly Track[]) {
  return quoted([...new Set(tracks.flatMap((track) => track.codecs.split(',')))].join(','));
}
