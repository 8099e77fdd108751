import type { ObjectKey } from './object-key.ts';
import type { ObjectInfo, ReadOptions } from './object-store.ts';

/**
 * Objects that arrive in pieces, over minutes or days, and become ordinary objects of the store at the end: an
 * extra power beside ObjectStore, passed in explicitly. In a folder a file that grows and is then renamed; on
 * S3 a multipart upload. Names are chosen by the caller: hex digits only.
 *
 * Errors, all `AppError`: `object_not_found`, `object_store_full`, `object_store_failed`, `aborted`.
 * Whoever uses it sees to it that nothing else is done to an object while bytes are appended to it.
 * Every implementation passes test/contracts/partial-objects.contract.ts.
 */
export type PartialObjects = {
  /** It will become the object `key`. `bytes`: how many it will have, where that is known. */
  create(name: string, key: ObjectKey, options?: { readonly bytes?: number }): Promise<void>;
  /**
   * Adds `body` at the end and resolves with the new size, durable. `offset` must be the present size, or it
   * throws `invalid_request` and changes nothing. When the body fails or `signal` fires, what had arrived is
   * kept, durable, before the error is thrown. No more than `limitBytes` in all: `source_too_large` beyond.
   */
  append(
    name: string,
    offset: number,
    body: ReadableStream<Uint8Array>,
    options: ReadOptions & { readonly limitBytes: number },
  ): Promise<number>;
  /** Bytes that are there for certain. */
  size(name: string): Promise<number>;
  /** Becomes the object `key` of the store, as was said at its start, without copying; replaces what was there. */
  finish(name: string, key: ObjectKey): Promise<ObjectInfo>;
  /** Idempotent. */
  remove(name: string): Promise<void>;
  /** Removes what crashes left before `begunBefore` that is no partial object and would take room for ever. */
  tidy(begunBefore: Date): Promise<void>;
  list(): AsyncIterable<{ readonly name: string; readonly bytes: number; readonly modifiedAt: Date }>;
  /** Bytes that can still be stored; undefined where nobody knows. */
  freeBytes(): Promise<number | undefined>;
};
