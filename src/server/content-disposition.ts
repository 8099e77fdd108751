/** What a browser calls a file that it saves (RFC 6266). */

/** `name` may be any text: what no file name may have becomes `_`. */
export function contentDisposition(kind: 'inline' | 'attachment', name: string): string {
  // oxlint-disable-next-line no-control-regex -- these are what it is about
  const plain = name.toWellFormed().replace(/[\u0000-\u001f\u007f"*/:<>?\\|]/g, '_');
  // RFC 6266 4.3 and appendix D: ASCII for old readers, without what some of them would decode.
  const ascii = plain.replace(/[^\u0020-\u007e]|%/g, '_');
  if (ascii === plain) return `${kind}; filename="${plain}"`;
  return `${kind}; filename="${ascii}"; filename*=UTF-8''${encodeExtended(plain)}`;
}

/** RFC 8187 3.2.1: fewer characters stand for themselves than in a URL. */
function encodeExtended(text: string): string {
  return encodeURIComponent(text).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
