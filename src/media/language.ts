/** Languages, as tags of BCP 47. */

/** No tag that people use is longer: `zh-Hant-HK`, `ca-ES-valencia`. */
const MAX_LENGTH = 35;

/** What a track's language is where nobody has said (BCP 47 4.1, ISO 639-2). */
export const UNDETERMINED = 'und';

/**
 * The canonical form of a tag: `EN-us` is `en-US`, and ISO 639-2's `ger` is `de`. Undefined for what is none; names of
 * languages are none, though their form would allow it.
 */
export function canonicalLanguage(text: string): string | undefined {
  const tag = text.trim().replaceAll('_', '-');
  if (tag.length > MAX_LENGTH || !/^[a-z]{2,3}(?:-|$)/i.test(tag)) return undefined;
  try {
    return Intl.getCanonicalLocales(tag)[0];
  } catch {
    return undefined;
  }
}

/** What speakers of a language call it: `Deutsch`, `português (Brasil)`; the tag itself where that is not known. */
export function languageName(tag: string): string {
  if (tag === UNDETERMINED) return 'Unknown language';
  try {
    const options = { type: 'language', languageDisplay: 'standard' } as const;
    return new Intl.DisplayNames([tag, 'en'], options).of(tag) ?? tag;
  } catch {
    return tag;
  }
}
