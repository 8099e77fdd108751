import type { ObjectKey } from '../storage/object-key.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { Resource } from './resource.ts';

/** A stored object as a {@link Resource}. Throws what `head` throws: `object_not_found` if it is not there. */
export async function storeResource(
  store: ObjectStore,
  key: ObjectKey,
  options: { readonly mediaType: string; readonly isImmutable: boolean; readonly signal: AbortSignal },
): Promise<Resource> {
  const { mediaType, isImmutable } = options;
  const info = await store.head(key, options);
  return {
    mediaType,
    isImmutable,
    bytes: info.bytes,
    etag: info.etag,
    open: async (range, signal) => {
      const content = await store.get(key, {
        ...(range === undefined ? {} : { range }),
        ...(signal === undefined ? {} : { signal }),
      });
      return content.body;
    },
  };
}
