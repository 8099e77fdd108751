import type { VideoSource } from '../catalog/video.ts';
import type { SourceBytes } from '../engine/engine.ts';
import { AppError, isAppError } from '../errors.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/**
 * The bytes of a stored source, for the engine. Throws `source_vanished` once it is gone or has been changed:
 * half of one file and half of another must never become one segment. `source_unreadable` for anything else.
 */
export function sourceBytes(store: ObjectStore, source: VideoSource): SourceBytes {
  return {
    identity: `${source.origin}/${source.key}/${source.etag}`,
    bytes: source.bytes,
    async read(offset, length, signal) {
      try {
        const end = Math.min(offset + length, source.bytes) - 1;
        if (end < offset) return new Uint8Array(0);
        const content = await store.get(source.key, { range: { start: offset, end }, signal });
        if (content.info.etag !== source.etag) {
          await content.body.cancel();
          throw new AppError('source_vanished', 'the file was changed while it was read');
        }
        return await collect(content.body, end - offset + 1);
      } catch (error) {
        throw asSourceError(error);
      }
    },
  };
}

async function collect(body: ReadableStream<Uint8Array>, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  for await (const chunk of body) {
    bytes.set(chunk, filled);
    filled += chunk.length;
  }
  return bytes.subarray(0, filled);
}

function asSourceError(error: unknown): unknown {
  if (isAppError(error, 'object_not_found') || isAppError(error, 'range_not_satisfiable')) {
    return new AppError('source_vanished', 'the file has vanished', { cause: error });
  }
  if (isAppError(error, 'source_vanished') || isAppError(error, 'aborted')) return error;
  return new AppError('source_unreadable', 'the file cannot be read', { cause: error });
}
