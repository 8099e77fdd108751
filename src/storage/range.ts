/** Byte ranges against a known length. */
import { AppError } from '../errors.ts';
import type { ByteRange } from '../media/byte-range.ts';

/**
 * The bytes that `range` means in an object of `bytes` bytes, both ends inclusive; without one, all of them.
 * An end beyond the last byte is the last byte (RFC 9110 14.1.2). Throws `range_not_satisfiable` where no byte is meant.
 */
export function resolveRange(
  range: ByteRange | undefined,
  bytes: number,
): { readonly start: number; readonly end: number } {
  if (range === undefined) return { start: 0, end: bytes - 1 };
  const end = Math.min(range.end ?? bytes - 1, bytes - 1);
  const isRange = Number.isSafeInteger(range.start) && Number.isSafeInteger(end) && range.start >= 0;
  if (!isRange || range.start > end) {
    throw new AppError(
      'range_not_satisfiable',
      `the object has ${bytes} bytes; the range asks for none of them`,
    );
  }
  return { start: range.start, end };
}
