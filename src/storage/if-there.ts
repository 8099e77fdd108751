import { isAppError } from '../errors.ts';
import type { ObjectKey } from './object-key.ts';
import type { ObjectInfo, ObjectStore, ReadOptions } from './object-store.ts';
import type { PartialObjects } from './partial-objects.ts';

/** What lies there; undefined for nothing. */
export function headIfThere(
  store: ObjectStore,
  key: ObjectKey,
  options?: ReadOptions,
): Promise<ObjectInfo | undefined> {
  return ifThere(store.head(key, options));
}

/** How many bytes a partial object has; undefined where there is none. */
export function sizeIfThere(partials: PartialObjects, name: string): Promise<number | undefined> {
  return ifThere(partials.size(name));
}

async function ifThere<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isAppError(error, 'object_not_found')) return undefined;
    throw error;
  }
}
