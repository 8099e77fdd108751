/** `#EXT-X-MEDIA` (RFC 8216bis 4.4.6.1): the sound that goes with every Variant Stream, in one group. */
import { type AudioTrack, type Track, defaultAudio } from '../../media/presentation.ts';
import { quoted, tag } from './tag.ts';

export const AUDIO_GROUP = 'audio';

/** One tag for each audio track, in their order. */
export function audioRenditions(
  tracks: readonly AudioTrack[],
  playlistUri: (track: Track) => string,
): readonly string[] {
  // 4.4.6.1.1: no second default in a group.
  const standard = defaultAudio(tracks);
  const names = uniqueNames(tracks.map((track) => track.title ?? track.language ?? track.label));
  const chosenByLanguage = firstOfEachLanguage(tracks, standard);
  return tracks.map((track, index) =>
    tag('EXT-X-MEDIA', {
      TYPE: 'AUDIO',
      'GROUP-ID': quoted(AUDIO_GROUP),
      NAME: quoted(names[index] ?? track.id),
      LANGUAGE: quoted(track.language),
      DEFAULT: track === standard ? 'YES' : 'NO',
      AUTOSELECT: chosenByLanguage.has(track) ? 'YES' : 'NO',
      CHANNELS: quoted(String(track.channels)),
      URI: quoted(playlistUri(track)),
    }),
  );
}

/**
 * 4.4.6.1.1: what a player may choose by itself must differ in language, or it could not choose. A second track
 * of a language (a commentary) is for people to choose; the default is always among the former (4.4.6.1).
 */
function firstOfEachLanguage(
  tracks: readonly AudioTrack[],
  standard: AudioTrack | undefined,
): ReadonlySet<AudioTrack> {
  const standardFirst = tracks.toSorted((a, b) => Number(b === standard) - Number(a === standard));
  const byLanguage = new Map<string | undefined, AudioTrack>();
  for (const track of standardFirst) {
    if (!byLanguage.has(track.language)) byLanguage.set(track.language, track);
  }
  return new Set(byLanguage.values());
}

/** 4.4.6.1.1: no two Renditions of a group share a NAME. */
export function uniqueNames(wanted: readonly string[]): readonly string[] {
  const taken = new Set<string>();
  return wanted.map((name) => {
    let unique = name;
    for (let number = 2; taken.has(unique); number++) unique = `${name} (${number})`;
    taken.add(unique);
    return unique;
  });
}
