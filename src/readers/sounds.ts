/** What manifests say of the sounds of a package, and which of them are one sound in several layouts. */
import { canonicalLanguage } from '../media/language.ts';
import type { AudioRole } from '../media/presentation.ts';

/** A sound as some manifest lists it. What it does not say is absent. */
export type ListedSound = {
  /** BCP 47. */
  readonly language?: string;
  readonly title?: string;
  readonly role?: AudioRole;
  readonly isDefault: boolean;
  /** What is equal in all layouts and bitrates of the sound. */
  readonly key: string;
};

/** What names tell of a layout, not of the sound: `English 5.1`. */
const LAYOUT =
  /[\s([,-]*\b(?:mono|stereo|surround|atmos|dolby(?: digital(?: plus)?)?|\d\.[01](?:\.\d)?)(?![\w.])[)\]]*/giu;

/** A sound by what its manifest says of it. */
export function listedSound(said: {
  readonly language: string | undefined;
  readonly title: string | undefined;
  readonly role: AudioRole | undefined;
  readonly isDefault: boolean;
}): ListedSound {
  const language = said.language === undefined ? undefined : canonicalLanguage(said.language);
  const title = said.title?.trim() || undefined;
  const name = title?.replaceAll(LAYOUT, '').trim().toLowerCase() ?? '';
  return {
    isDefault: said.isDefault,
    key: JSON.stringify([language ?? said.language?.toLowerCase() ?? '', said.role ?? '', name]),
    ...(language === undefined ? {} : { language }),
    ...(title === undefined ? {} : { title }),
    ...(said.role === undefined ? {} : { role: said.role }),
  };
}

/**
 * Numbers what would be one sound but cannot be: of the same `place` (a group of HLS, all AdaptationSets of DASH) and of
 * the same `layout`, one of the two would never be heard.
 */
export class SoundKeys {
  readonly #counts = new Map<string, number>();

  apart(sound: ListedSound, place: string, layout: string): ListedSound {
    const where = JSON.stringify([sound.key, place, layout]);
    const count = this.#counts.get(where) ?? 0;
    this.#counts.set(where, count + 1);
    return count === 0 ? sound : { ...sound, key: `${sound.key}${count + 1}` };
  }
}
