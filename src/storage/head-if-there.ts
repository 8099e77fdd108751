import { isAppError } from '../errors.ts';
import type { ObjectKey } from './object-key.ts';
import type { ObjectInfo, ObjectStore, ReadOptions } from './object-store.ts';

/** What lies there; undefined for nothing. */
export async function headIfThere(
  store: ObjectStore,
  key: ObjectKey,
  options?: ReadOptions,
): Promise<ObjectInfo | undefined> {
  try {
    return await store.head(key, options);
  } catch (error) {
    if (isAppError(error, 'object_not_found')) return undefined;
    throw error;
  }
}
