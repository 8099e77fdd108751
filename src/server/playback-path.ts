/** Paths below `/v/{id}/`, between URL and plain text. */
import { AppError } from '../errors.ts';
import { pathOf } from './problems.ts';

/**
 * The decoded path behind `/v/{id}/` in a request target. Decoded here, exactly once and part by part, because
 * routers decode in steps of their own: an encoded slash must not become a separator, nor `%2523` a `#`.
 *
 * Throws `invalid_request` where the percent-encoding is malformed, and `not_found` for what no path can be:
 * an empty part, `.` or `..`, a slash, backslash or NUL inside a name.
 */
export function decodePlaybackPath(requestTarget: string | undefined): string {
  // RFC 9112 3.2.2: a proxy may have made it `http://host/v/...`.
  const path = pathOf(requestTarget).replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '');
  const parts = path.split('/').slice(3).map(decodePart);
  if (!parts.every(isName)) throw new AppError('not_found', 'there is nothing at this address');
  return parts.join('/');
}

/** A decoded path as it stands in a URL. */
export function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new AppError('invalid_request', 'the address has malformed percent-encoding');
  }
}

function isName(part: string): boolean {
  return part !== '' && part !== '.' && part !== '..' && !/[/\\\0]/.test(part);
}
