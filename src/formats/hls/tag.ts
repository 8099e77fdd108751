/** Tags and their attribute lists (RFC 8216bis 4.2). */

/**
 * The version whose rules our playlists follow: 6, since Media Playlists of fMP4 segments need an EXT-X-MAP
 * (RFC 8216bis 8).
 */
export const VERSION_TAG = '#EXT-X-VERSION:6';

/** A value that is written as it is: a number, an enumerated string, a resolution. Undefined is left out. */
type Plain = string | number | undefined;

/** A text that is written in quotes. */
export type Quoted = { readonly quoted: string };

/** `#NAME:KEY=value,KEY="value"`, in the order of `attributes`. */
export function tag(name: string, attributes: Readonly<Record<string, Plain | Quoted>>): string {
  const list = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined
      ? []
      : [`${key}=${typeof value === 'object' ? `"${quotable(value.quoted)}"` : value}`],
  );
  return `#${name}:${list.join(',')}`;
}

/** Marks a text to be written in quotes; undefined stays undefined, and is left out. */
export function quoted(text: string | undefined): Quoted | undefined {
  return text === undefined ? undefined : { quoted: text };
}

/**
 * A quoted-string cannot hold a double quote or a line break, and there is no escape (RFC 8216bis 4.2): a
 * title with one must not end the attribute or begin a tag. Other control characters go with them (4.1).
 */
function quotable(text: string): string {
  return text
    .toWellFormed()
    .replaceAll('"', "'")
    .replaceAll(/\p{Cc}+/gu, ' ');
}
