/** Entity tags and the conditions that requests attach to them (RFC 9110 8.8.3 and 13). */

/** `tag` without quotes. */
export type EntityTag = { readonly tag: string; readonly isWeak: boolean };

/** As it stands in a header field. */
export function formatEntityTag({ tag, isWeak }: EntityTag): string {
  return `${isWeak ? 'W/' : ''}"${tag}"`;
}

/** Whether `If-Match` forbids an answer: none of its tags is the current one, compared strongly. RFC 9110 13.1.1 */
export function isPreconditionFailed(ifMatch: string | undefined, current: EntityTag): boolean {
  if (ifMatch === undefined || ifMatch.trim() === '*') return false;
  return !parseEntityTags(ifMatch).some((tag) => isSameStrongly(tag, current));
}

/** Whether `If-None-Match` names what the client already has, compared weakly. RFC 9110 13.1.2 */
export function isNotModified(ifNoneMatch: string | undefined, current: EntityTag): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.trim() === '*' || parseEntityTags(ifNoneMatch).some(({ tag }) => tag === current.tag);
}

/**
 * Whether `Range` may be honoured: there is no `If-Range`, or it is the current tag, compared strongly. A date
 * never matches, since we send no Last-Modified it could come from. RFC 9110 13.1.5
 */
export function isRangeCurrent(ifRange: string | undefined, current: EntityTag): boolean {
  if (ifRange === undefined) return true;
  const [tag, ...others] = parseEntityTags(ifRange);
  return tag !== undefined && others.length === 0 && isSameStrongly(tag, current);
}

function isSameStrongly(a: EntityTag, b: EntityTag): boolean {
  return !a.isWeak && !b.isWeak && a.tag === b.tag;
}

/** A tag may contain commas, so the list cannot simply be split. */
function parseEntityTags(header: string): readonly EntityTag[] {
  const tags = header.matchAll(/(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"/g);
  return Array.from(tags, ([, weak, tag = '']) => ({ tag, isWeak: weak !== undefined }));
}
