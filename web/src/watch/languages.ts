/** Languages to choose from, and which one the name of a file speaks of. */

const TAGS =
  'af sq ar hy az eu be bn bs bg ca zh-Hans zh-Hant hr cs da nl en et tl fi fr gl ka de el gu he hi hu is id ga it ja kn kk km ko lo lv lt mk ms ml mr mn ne nb fa pl pt pt-BR pa ro ru sr si sk sl es es-419 sw sv ta te th tr uk ur uz vi cy'.split(
    ' ',
  );

export type Language = { readonly tag: string; readonly name: string };

/** Those that captions mostly are in, by their names on this page. */
export const LANGUAGES: readonly Language[] = TAGS.map((tag) => ({ tag, name: nameOf(tag) })).sort((a, b) =>
  a.name.localeCompare(b.name, 'en'),
);

/** `German` for `de`; the tag itself where nobody knows. */
export function nameOf(tag: string): string {
  if (tag === 'und') return 'Unknown language';
  try {
    return new Intl.DisplayNames(['en'], { type: 'language' }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

/** `de` for `film.de.srt` and for `film_ger.srt`; undefined where no part of the name is a language that we offer. */
export function languageOfFile(name: string): string | undefined {
  const parts = name.split(/[.\s_()[\]]+/).slice(1, -1);
  for (const part of parts.toReversed()) {
    const tag = canonical(part);
    if (LANGUAGES.some((language) => language.tag === tag)) return tag;
  }
  return undefined;
}

/** What the viewer's browser speaks, where we offer it; English otherwise. */
export function ownLanguage(): string {
  const own = navigator.languages.flatMap((tag) => [tag, tag.split('-', 1)[0]!]);
  return own.find((tag) => LANGUAGES.some((language) => language.tag === tag)) ?? 'en';
}

function canonical(text: string): string | undefined {
  try {
    return /^[a-z]{2,3}(-|$)/i.test(text) ? Intl.getCanonicalLocales(text)[0] : undefined;
  } catch {
    return undefined;
  }
}
