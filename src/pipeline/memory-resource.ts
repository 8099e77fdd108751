import { createHash } from 'node:crypto';
import type { Resource } from './resource.ts';

/** Bytes in memory as a {@link Resource}. */
export function memoryResource(
  bytes: Uint8Array,
  mediaType: string,
  options: { readonly isImmutable: boolean },
): Resource {
  return {
    mediaType,
    bytes: bytes.byteLength,
    etag: createHash('sha256').update(bytes).digest('base64url').slice(0, 22),
    isImmutable: options.isImmutable,
    open: async (range) =>
      ReadableStream.from([range === undefined ? bytes : bytes.subarray(range.start, range.end + 1)]),
  };
}
