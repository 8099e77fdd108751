/**
 * References between the files of a package: URIs of manifests, resolved as a player will resolve them
 * (RFC 3986 5.2, and the leniency of browsers kept in mind), but never to anything outside of the library.
 */
import { AppError } from '../errors.ts';
import { type ObjectKey, parseObjectKey } from '../storage/object-key.ts';

/** A place in the library: decoded parts; the last one is empty for a folder. */
export type Location = readonly string[];

/** Where an object lies: the base for the references inside of it. */
export function locationOf(key: ObjectKey): Location {
  return key.split('/');
}

/**
 * Where `uri` points when it stands in something that lies at `base`. Query and fragment do not count: they
 * do not name another file. Throws `package_invalid` for an absolute reference, one that leaves the library,
 * and one whose percent-encoding is broken.
 */
export function resolveLocation(base: Location, uri: string): Location {
  const reference = uri.trim();
  refuseUnsafe(reference);
  const path = reference.replace(/[?#].*$/s, '');
  if (path === '') return base;
  const parts = base.slice(0, -1);
  const steps = path.split('/');
  steps.forEach((encoded, i) => {
    const step = decodePart(encoded, reference);
    const isLast = i === steps.length - 1;
    if (step === '..' && parts.pop() === undefined) throw refusal(reference, 'leaves the library');
    if (step !== '.' && step !== '..') parts.push(step);
    else if (isLast) parts.push('');
  });
  return parts;
}

/** The object at a location. Throws `package_invalid` for a folder, and for a name that no object can have. */
export function keyAt(location: Location): ObjectKey {
  try {
    return parseObjectKey(location.join('/'));
  } catch (error) {
    throw new AppError(
      'package_invalid',
      `the manifest refers to ${quote(location.join('/'))}, which is not a file`,
      {
        cause: error,
      },
    );
  }
}

/** `text` for a message: shortened, control characters shown as `?`. */
export function quote(text: string): string {
  const short = text.length > 120 ? `${text.slice(0, 120)}...` : text;
  return `"${[...short].map((character) => (isControl(character) ? '?' : character)).join('')}"`;
}

function isControl(character: string): boolean {
  return character < ' ' || character === '\u007f';
}

function refuseUnsafe(reference: string): void {
  if (/^[a-z][a-z0-9+.-]*:/i.test(reference)) throw refusal(reference, 'is an absolute address');
  if (reference.startsWith('/')) throw refusal(reference, 'does not start from the manifest');
  // Browsers take a backslash for a slash and drop tabs and line feeds, so `\\host` and `ht<tab>tp:` are absolute.
  if (reference.includes('\\') || [...reference].some(isControl)) {
    throw refusal(reference, 'contains characters that an address may not have');
  }
}

function decodePart(encoded: string, reference: string): string {
  let part: string;
  try {
    part = decodeURIComponent(encoded);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    throw refusal(reference, 'has broken percent-encoding');
  }
  if (part.includes('/')) throw refusal(reference, 'hides a slash in percent-encoding');
  return part;
}

function refusal(reference: string, why: string): AppError {
  return new AppError('package_invalid', `the manifest refers to ${quote(reference)}, which ${why}`);
}
