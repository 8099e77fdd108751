import { joinKey, type ObjectKey, parseObjectKey } from './object-key.ts';
import type { ObjectStore, PutResult } from './object-store.ts';

/** The objects of `store` below `prefix`, as a store of their own: the key `a` there is `prefix/a` in `store`. */
export function prefixStore(store: ObjectStore, prefix: ObjectKey): ObjectStore {
  const inner = (key: ObjectKey): ObjectKey => joinKey(prefix, key);
  const outer = <T extends PutResult>(info: T): T => ({
    ...info,
    key: parseObjectKey(info.key.slice(prefix.length + 1)),
  });
  return {
    async get(key, options) {
      const content = await store.get(inner(key), options);
      return { ...content, info: outer(content.info) };
    },
    head: async (key, options) => outer(await store.head(inner(key), options)),
    put: async (key, body, options) => outer(await store.put(inner(key), body, options)),
    async *list(within, options) {
      for await (const info of store.list(within === '' ? prefix : inner(within), options)) yield outer(info);
    },
    delete: async (key, options) => store.delete(inner(key), options),
    deletePrefix: async (within, options) => store.deletePrefix(inner(within), options),
  };
}
