import type { SourceBytes } from '../engine/engine.ts';

/** The next bytes, on their way. */
type Fetching = { readonly offset: number; readonly length: number; readonly bytes: Promise<Uint8Array> };

/**
 * `source`, for readers that go on where they stopped: while they work on what they have, the next piece of the same
 * length is fetched, so that a store far away costs its delay once and not with every piece. A jump fetches nothing
 * ahead; at most one piece is fetched for nothing.
 */
export function readAhead(source: SourceBytes): SourceBytes {
  let end = -1;
  let next: Fetching | undefined;
  return {
    identity: source.identity,
    bytes: source.bytes,
    async read(offset, length, signal) {
      const fetched = next?.offset === offset && next.length === length ? next : undefined;
      next = undefined;
      const isGoingOn = offset === end;
      end = offset + length;
      const bytes = fetched?.bytes ?? source.read(offset, length, signal);
      if (isGoingOn && end < source.bytes) {
        next = { offset: end, length, bytes: source.read(end, length, signal) };
        // Whoever reads it is told; nobody may.
        next.bytes.catch(() => {});
      }
      return bytes;
    },
  };
}
