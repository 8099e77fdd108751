/** `#EXT-X-MEDIA` (RFC 8216bis 4.4.6.1): the sound that goes with Variant Streams, a group for each layout. */
import {
  type AudioTrack,
  type Track,
  defaultAudio,
  isSurround,
  soundIdOf,
} from '../../media/presentation.ts';
import { soundNames } from '../names.ts';
import { quoted, tag } from './tag.ts';

/** What one Variant Stream plays one of. */
export type AudioGroup = {
  readonly id: string;
  /** One for each sound, in the order of the sounds. */
  readonly members: readonly AudioTrack[];
};

/**
 * Everything in stereo, and where some sound has surround, a second group with that. Groups must have the same members
 * (4.4.6.1.1), so what has no surround is in both. Stereo comes first: nobody gets surround without asking for it.
 */
export function audioGroups(tracks: readonly AudioTrack[]): readonly AudioGroup[] {
  const sounds = [...Map.groupBy(tracks, soundIdOf).values()];
  if (sounds.length === 0) return [];
  const group = (id: string, surround: boolean): AudioGroup => ({
    id,
    members: sounds.map((layouts) => layouts.find((one) => isSurround(one) === surround) ?? layouts[0]!),
  });
  const hasChoice = sounds.some((layouts) => layouts.length > 1);
  return [group('audio', false), ...(hasChoice ? [group('surround', true)] : [])];
}

/** One tag for each member of each group; without a URI it lies inside the Variant Streams. */
export function audioRenditions(
  groups: readonly AudioGroup[],
  playlistUri: (track: Track) => string | undefined,
): readonly string[] {
  const [first] = groups;
  if (first === undefined) return [];
  // 4.4.6.1.1: members of two groups that correspond are equal in all but URI and CHANNELS.
  const standard = first.members.indexOf(defaultAudio(first.members)!);
  // 4.4.6.1.1: no two of a group share a NAME.
  const names = soundNames(first.members);
  const chosenByPlayers = automatic(first.members, standard);
  return groups.flatMap(({ id, members }) =>
    members.map((track, index) =>
      tag('EXT-X-MEDIA', {
        TYPE: 'AUDIO',
        'GROUP-ID': quoted(id),
        NAME: quoted(names.get(soundIdOf(track))),
        LANGUAGE: quoted(track.language),
        DEFAULT: index === standard ? 'YES' : 'NO',
        AUTOSELECT: chosenByPlayers.has(index) ? 'YES' : 'NO',
        CHARACTERISTICS: quoted(track.role === 'description' ? DESCRIBES_VIDEO : undefined),
        CHANNELS: quoted(String(track.channels)),
        URI: quoted(playlistUri(track)),
      }),
    ),
  );
}

/** 4.4.6.1: for people who do not see the picture, and have told their player so. */
const DESCRIBES_VIDEO = 'public.accessibility.describes-video';

/**
 * 4.4.6.1.1: what a player may choose by itself must differ in language or purpose, or it could not choose. A second
 * track of a language and a commentary are for people to choose; the default is always among the former (4.4.6.1).
 */
function automatic(tracks: readonly AudioTrack[], standard: number): ReadonlySet<number> {
  const indexes = [standard, ...tracks.keys().filter((index) => index !== standard)];
  const byPurpose = new Map<string, number>();
  for (const index of indexes) {
    const { language, role } = tracks[index]!;
    const purpose = `${language} ${role}`;
    const isForPeople = role === 'commentary' && index !== standard;
    if (!isForPeople && !byPurpose.has(purpose)) byPurpose.set(purpose, index);
  }
  return new Set(byPurpose.values());
}
