import { isAppError } from '../errors.ts';
import type { ByteRange } from '../media/byte-range.ts';
import type { ObjectKey } from '../storage/object-key.ts';
import type { ObjectContent, ObjectStore } from '../storage/object-store.ts';
import type { Resource } from './resource.ts';

/** How a stored object is looked for. */
export type StoreResourceOptions = {
  readonly mediaType: string;
  readonly isImmutable: boolean;
  readonly signal: AbortSignal;
  /**
   * The range that will be opened first (`start: 0` for all bytes): then one request to the store does for looking
   * and reading. Whoever says it must open the resource or fire `signal`, for the bytes are on their way already.
   */
  readonly willRead?: ByteRange | undefined;
};

/** A stored object as a {@link Resource}. Throws what `head` throws: `object_not_found` if it is not there. */
export async function storeResource(
  store: ObjectStore,
  key: ObjectKey,
  options: StoreResourceOptions,
): Promise<Resource> {
  const { mediaType, isImmutable } = options;
  let early = await openEarly(store, key, options);
  const { bytes, etag } = early?.info ?? (await store.head(key, options));
  return {
    mediaType,
    isImmutable,
    bytes,
    etag,
    open: async (range = { start: 0, end: bytes - 1 }, signal) => {
      const opened = early;
      early = undefined;
      if (opened?.range.start === range.start && opened.range.end === range.end) return opened.body;
      await opened?.body.cancel();
      const isWhole = range.start === 0 && range.end === bytes - 1;
      const content = await store.get(key, {
        ...(isWhole ? {} : { range }),
        ...(signal === undefined ? {} : { signal }),
      });
      return content.body;
    },
  };
}

/** Undefined where nothing was announced, or no byte of it is there: then `head` tells how long the object is. */
async function openEarly(
  store: ObjectStore,
  key: ObjectKey,
  { willRead, signal }: StoreResourceOptions,
): Promise<ObjectContent | undefined> {
  if (willRead === undefined) return undefined;
  const isWhole = willRead.start === 0 && willRead.end === undefined;
  try {
    const content = await store.get(key, isWhole ? { signal } : { range: willRead, signal });
    if (content.info.bytes > 0) return content;
    // Whoever wants a range of nothing is refused, and never opens it.
    await content.body.cancel();
    return undefined;
  } catch (error) {
    if (isAppError(error, 'range_not_satisfiable')) return undefined;
    throw error;
  }
}
