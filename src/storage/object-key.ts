import { AppError } from '../errors.ts';

declare const brand: unique symbol;

/** The name of an object: parts joined by `/`. Made only by {@link parseObjectKey}. */
export type ObjectKey = string & { readonly [brand]: 'ObjectKey' };

/** S3's limit, in bytes of UTF-8. */
const MAX_KEY_BYTES = 1024;

/**
 * Checks a name that came from outside. Refused with `invalid_request`: an empty part, `.` or `..` as a part,
 * a leading or trailing `/`, a backslash or NUL (they mean something else on some file systems), more than 1024 bytes.
 * Everything else (spaces, quotes, `#`, `%`, emoji, right-to-left marks) is an ordinary character.
 */
export function parseObjectKey(text: string): ObjectKey {
  const parts = text.split('/');
  const isSafe = parts.every((part) => part !== '' && part !== '.' && part !== '..' && !/[\0\\]/.test(part));
  if (!isSafe || new TextEncoder().encode(text).length > MAX_KEY_BYTES || !text.isWellFormed()) {
    throw new AppError('invalid_request', 'not a valid object key');
  }
  return text as ObjectKey;
}

/** The key of `parts` below `base`. Each part may itself contain `/`. */
export function joinKey(...parts: readonly string[]): ObjectKey {
  return parseObjectKey(parts.join('/'));
}
