/** Attribute lists of HLS tags (RFC 8216bis 4.2). */

/**
 * `A=1,B="x"` as a map, quotes taken off. Written by hand and read once from left to right: the usual regular
 * expression takes quadratic time on a long line without `=`. What cannot be read ends the list.
 */
export function parseAttributeList(text: string): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  let at = 0;
  while (at < text.length) {
    const equals = text.indexOf('=', at);
    if (equals < 0) break;
    const name = text.slice(at, equals).trim();
    const isQuoted = text[equals + 1] === '"';
    const valueStart = isQuoted ? equals + 2 : equals + 1;
    const valueEnd = text.indexOf(isQuoted ? '"' : ',', valueStart);
    if (valueEnd < 0 && isQuoted) break;
    const end = valueEnd < 0 ? text.length : valueEnd;
    attributes.set(name, isQuoted ? text.slice(valueStart, end) : text.slice(valueStart, end).trim());
    const comma = text.indexOf(',', end);
    at = comma < 0 ? text.length : comma + 1;
  }
  return attributes;
}
