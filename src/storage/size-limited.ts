import type { ObjectKey } from './object-key.ts';
import type { ObjectInfo, ObjectStore, PutResult } from './object-store.ts';

export type SizeLimit = {
  readonly limitBytes: number;
  /** An object was deleted to make room. */
  readonly onEvicted?: (key: ObjectKey) => void;
  /** An object could not be deleted; it is tried again with a later put. Nobody else is told. */
  readonly onEvictionFailed: (error: unknown) => void;
  readonly signal?: AbortSignal;
};

/** A store that knows how much it holds. */
export type SizeLimitedObjects = ObjectStore & {
  /** Of all its objects together, in bytes. */
  readonly totalBytes: number;
};

/**
 * `store` kept within a number of bytes: when a put takes it above, the objects that were not used for longest
 * are deleted (get, head and put are uses) until it fits again. The object just put always stays, even one
 * larger than the limit. Uses are remembered in memory only: after a start, what was written first goes first.
 * An object may be deleted while it is being read: a file or an S3 object that is open stays readable.
 *
 * Lists `store` once, and deletes from it at once where it already holds too much. Throws what `list` throws.
 * What other processes put into `store` is counted at the next start.
 */
export async function openSizeLimitedStore(
  store: ObjectStore,
  limit: SizeLimit,
): Promise<SizeLimitedObjects> {
  const found: ObjectInfo[] = [];
  for await (const info of store.list('', limit)) found.push(info);
  found.sort((a, b) => a.modifiedAt.getTime() - b.modifiedAt.getTime());
  const limited = new SizeLimitedStore(store, limit, found);
  await limited.evict();
  return limited;
}

class SizeLimitedStore implements SizeLimitedObjects {
  readonly #store: ObjectStore;
  readonly #limit: SizeLimit;
  /** Sizes in bytes, the object that was not used for longest first. */
  readonly #sizes = new Map<ObjectKey, number>();
  #totalBytes = 0;
  /** How many puts of each key are under way: these are not evicted. */
  readonly #putting = new Map<ObjectKey, number>();
  /** Several were: which of them is there in the end, only the store knows. */
  readonly #contended = new Set<ObjectKey>();
  /** The one deletion under way: a put of that key waits for it, or its object would be deleted after all. */
  #eviction: { readonly key: ObjectKey; readonly done: Promise<void> } | undefined;
  #lastEvictions: Promise<void> = Promise.resolve();

  constructor(store: ObjectStore, limit: SizeLimit, oldestFirst: readonly ObjectInfo[]) {
    this.#store = store;
    this.#limit = limit;
    for (const info of oldestFirst) this.#remember(info);
  }

  get totalBytes(): number {
    return this.#totalBytes;
  }

  readonly get: ObjectStore['get'] = (key, options) => {
    this.#touch(key);
    return this.#store.get(key, options);
  };

  readonly head: ObjectStore['head'] = (key, options) => {
    this.#touch(key);
    return this.#store.head(key, options);
  };

  readonly put: ObjectStore['put'] = async (key, body, options) => {
    if (this.#putting.has(key)) this.#contended.add(key);
    this.#putting.set(key, (this.#putting.get(key) ?? 0) + 1);
    try {
      if (this.#eviction?.key === key) await this.#eviction.done;
      const info = await this.#store.put(key, body, options);
      this.#remember(this.#contended.has(key) ? await this.#store.head(key).catch(() => info) : info);
      await this.evict();
      return info;
    } finally {
      const left = (this.#putting.get(key) ?? 1) - 1;
      if (left > 0) this.#putting.set(key, left);
      else {
        this.#putting.delete(key);
        this.#contended.delete(key);
      }
    }
  };

  readonly list: ObjectStore['list'] = (prefix, options) => this.#store.list(prefix, options);

  readonly delete: ObjectStore['delete'] = async (key, options) => {
    await this.#store.delete(key, options);
    this.#forget(key);
  };

  readonly deletePrefix: ObjectStore['deletePrefix'] = async (prefix, options) => {
    await this.#store.deletePrefix(prefix, options);
    for (const key of this.#sizes.keys()) if (key.startsWith(`${prefix}/`)) this.#forget(key);
  };

  /** Deletes, one object after the other, until the rest fits. Never throws. */
  evict(): Promise<void> {
    this.#lastEvictions = this.#lastEvictions.then(() => this.#evictNow());
    return this.#lastEvictions;
  }

  async #evictNow(): Promise<void> {
    while (this.#totalBytes > this.#limit.limitBytes) {
      const key = this.#leastRecentlyUsed();
      if (key === undefined) return;
      const deletion = this.#store.delete(key);
      this.#eviction = { key, done: deletion.catch(() => {}) };
      try {
        await deletion;
        this.#forget(key);
        this.#limit.onEvicted?.(key);
      } catch (error) {
        this.#touch(key);
        this.#limit.onEvictionFailed(error);
        return;
      } finally {
        this.#eviction = undefined;
      }
    }
  }

  #leastRecentlyUsed(): ObjectKey | undefined {
    for (const key of this.#sizes.keys()) if (!this.#putting.has(key)) return key;
    return undefined;
  }

  #remember(info: PutResult): void {
    this.#forget(info.key);
    this.#sizes.set(info.key, info.bytes);
    this.#totalBytes += info.bytes;
  }

  #touch(key: ObjectKey): void {
    const bytes = this.#sizes.get(key);
    if (bytes === undefined) return;
    this.#sizes.delete(key);
    this.#sizes.set(key, bytes);
  }

  #forget(key: ObjectKey): void {
    this.#totalBytes -= this.#sizes.get(key) ?? 0;
    this.#sizes.delete(key);
  }
}
