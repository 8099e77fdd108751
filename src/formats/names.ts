/** What people choose by. No two things that are chosen between have the same name. */
import { languageName } from '../media/language.ts';
import { type AudioTrack, soundIdOf } from '../media/presentation.ts';

/** `wanted`, with a number behind each that was there before. */
export function uniqueNames(wanted: readonly string[]): readonly string[] {
  const taken = new Set<string>();
  return wanted.map((name) => {
    let unique = name;
    for (let number = 2; taken.has(writable(unique)); number++) unique = `${name} (${number})`;
    taken.add(writable(unique));
    return unique;
  });
}

/** What is left of a name in a manifest: playlists have no quotes in texts, and none has control characters. */
function writable(name: string): string {
  return name
    .toWellFormed()
    .replaceAll('"', "'")
    .replaceAll(/\p{Cc}+/gu, ' ');
}

/** The name of each sound by its id, the same in every layout: see `AudioTrack.soundId`. */
export function soundNames(tracks: readonly AudioTrack[]): ReadonlyMap<string, string> {
  const sounds = Map.groupBy(tracks, soundIdOf);
  const names = uniqueNames([...sounds.values()].map(([first]) => nameOf(first!)));
  return new Map([...sounds.keys()].map((id, index) => [id, names[index]!]));
}

function nameOf({ title, language, label }: AudioTrack): string {
  return title ?? (language === undefined ? label : languageName(language));
}
