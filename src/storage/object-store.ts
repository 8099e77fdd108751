/**
 * Where bytes live. One small interface; a folder today, cloud object storage tomorrow. No caller ever asks
 * which store it has. Nothing here depends on ACLs, conditional writes or renames: providers differ.
 */
import type { ByteRange } from '../media/byte-range.ts';
import type { ObjectKey } from './object-key.ts';

/** What is known of an object without reading it. */
export type ObjectInfo = {
  readonly key: ObjectKey;
  readonly bytes: number;
  readonly modifiedAt: Date;
  /** Changes whenever the bytes may have changed. Opaque. */
  readonly etag: string;
};

/** An opened object. */
export type ObjectContent = {
  readonly info: ObjectInfo;
  /** What `body` holds: the whole object where no range was asked for. `end` inclusive, so -1 for an empty object. */
  readonly range: { readonly start: number; readonly end: number };
  readonly body: ReadableStream<Uint8Array>;
};

/** Firing `signal` gives up with `aborted`. */
export type ReadOptions = { readonly signal?: AbortSignal };
/** Without `range`, the whole object. */
export type GetOptions = ReadOptions & { readonly range?: ByteRange };
/** `contentType` and `isImmutable` (never replaced: caches may have it for ever) are for stores that keep them. */
export type PutOptions = {
  readonly signal?: AbortSignal;
  readonly contentType?: string;
  readonly isImmutable?: boolean;
};
/** What is known of an object that has just been put. When it was modified, only the store knows. */
export type PutResult = Omit<ObjectInfo, 'modifiedAt'>;

/**
 * Errors, all `AppError`: `object_not_found`; `range_not_satisfiable` (a range that starts at or after the
 * end); `object_store_full`; `object_store_failed` for anything else; `aborted` when `signal` fires, also
 * while a body is being read. An error of the body that is being put is the caller's own, and is passed on.
 * Every implementation passes test/contracts/object-store.contract.ts.
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
  ): Promise<PutResult>;
  /** Every object below `prefix`, as whole parts (`a/b` finds `a/b/c`, neither `a/bc` nor `a/b`), in any order. */
  list(prefix: ObjectKey | '', options?: ReadOptions): AsyncIterable<ObjectInfo>;
  /** Idempotent: deleting what is not there succeeds. */
  delete(key: ObjectKey, options?: ReadOptions): Promise<void>;
  /** Deletes what `list(prefix)` finds. Idempotent; not atomic. */
  deletePrefix(prefix: ObjectKey, options?: ReadOptions): Promise<void>;
};
