/** The front of a CMAF segment: everything but its media data. */
import { ByteReader } from './box-reader.ts';

/** A box header with a 64-bit size (ISO/IEC 14496-12 4.2.2). */
const LARGEST_HEADER_BYTES = 16;

/**
 * How many of a segment's first bytes hold all its tables, as far as `prefix` tells: where that is more than
 * `prefix` has, read so many and ask again. A segment of several fragments has tables in between its media data,
 * and is needed whole. Throws `source_damaged`.
 */
export function segmentHeadBytes(prefix: Uint8Array, totalBytes: number): number {
  let offset = 0;
  while (offset < totalBytes) {
    if (prefix.length < Math.min(totalBytes, offset + LARGEST_HEADER_BYTES)) {
      return Math.min(totalBytes, offset + LARGEST_HEADER_BYTES);
    }
    const reader = new ByteReader(prefix, offset);
    const size = reader.u32();
    const isMediaData = reader.fourCharacterCode() === 'mdat';
    // 0: to the end of the file.
    const bytes = size === 1 ? reader.u64() : size === 0 ? totalBytes - offset : size;
    if (isMediaData) return offset + bytes >= totalBytes ? offset : totalBytes;
    offset += Math.max(bytes, 8);
  }
  return totalBytes;
}
