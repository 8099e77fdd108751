/**
 * Where bytes live. One small interface; a folder today, cloud object storage tomorrow. No caller ever asks
 * which store it has. Nothing here depends on ACLs, conditional writes or renames: providers differ.
 */
import type { ByteRange } from '../media/byte-range.ts';
import type { ObjectKey } from './object-key.ts';

export type ObjectInfo = {
  readonly key: ObjectKey;
  readonly bytes: number;
  readonly modifiedAt: Date;
  /** Changes whenever the bytes may have changed. Opaque. */
  readonly etag: string;
};

export type ObjectContent = {
  readonly info: ObjectInfo;
  /** What `body` holds: the whole object where no range was asked for. `end` inclusive. */
  readonly range: { readonly start: number; readonly end: number };
  readonly body: ReadableStream<Uint8Array>;
};

export type ReadOptions = { readonly signal?: AbortSignal };
export type GetOptions = ReadOptions & { readonly range?: ByteRange };
export type PutOptions = { readonly signal?: AbortSignal; readonly contentType?: string };

/**
 * Errors, all `AppError`: `object_not_found`; `range_not_satisfiable` (a range that starts at or after the
 * end); `object_store_full`; `object_store_failed` for anything else; `aborted` when `signal` fires.
 */
export type ObjectStore = {
  /** Opens an object. The caller reads `body` to its end or cancels it. */
  get(key: ObjectKey, options?: GetOptions): Promise<ObjectContent>;
  head(key: ObjectKey, options?: ReadOptions): Promise<ObjectInfo>;
  /** Atomic and durable: readers see all of it or nothing, and once this resolves it survives a power cut. */
  put(
    key: ObjectKey,
    body: Uint8Array | ReadableStream<Uint8Array>,
    options?: PutOptions,
  ): Promise<ObjectInfo>;
  /** Every object whose key starts with `prefix` as whole parts (`a/b` finds `a/b/c`, not `a/bc`), in any order. */
  list(prefix: ObjectKey | '', options?: ReadOptions): AsyncIterable<ObjectInfo>;
  /** Idempotent: deleting what is not there succeeds. */
  delete(key: ObjectKey, options?: ReadOptions): Promise<void>;
  deletePrefix(prefix: ObjectKey, options?: ReadOptions): Promise<void>;
};
