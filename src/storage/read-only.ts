import { AppError } from '../errors.ts';
import type { ObjectStore } from './object-store.ts';

/** `store` for reading; everything that would change it is `object_store_failed`, and changes nothing. */
export function readOnlyStore(store: ObjectStore): ObjectStore {
  return {
    get: (key, options) => store.get(key, options),
    head: (key, options) => store.head(key, options),
    list: (prefix, options) => store.list(prefix, options),
    put: refuse,
    delete: refuse,
    deletePrefix: refuse,
  };
}

async function refuse(): Promise<never> {
  throw new AppError('object_store_failed', 'this store is only for reading');
}
