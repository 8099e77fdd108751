import type { ObjectKey } from '../storage/object-key.ts';
import type { ObjectInfo, ObjectStore } from '../storage/object-store.ts';
import type { SegmentStore } from './segment-store.ts';

/**
 * Keeps what several processes put into `store` within a number of bytes: what was written first goes first, since
 * nobody knows what all of them read. Returns how many bytes are left.
 */
export async function trimCache(
  store: ObjectStore,
  segments: SegmentStore,
  limitBytes: number,
  signal: AbortSignal,
): Promise<number> {
  const found: ObjectInfo[] = [];
  for await (const info of store.list('', { signal })) found.push(info);
  let totalBytes = found.reduce((sum, { bytes }) => sum + bytes, 0);
  const removed: ObjectKey[] = [];
  found.sort((a, b) => a.modifiedAt.getTime() - b.modifiedAt.getTime());
  for (const { key, bytes } of found) {
    if (totalBytes <= limitBytes) break;
    await store.delete(key, { signal });
    removed.push(key);
    totalBytes -= bytes;
  }
  segments.forget(removed);
  return totalBytes;
}
