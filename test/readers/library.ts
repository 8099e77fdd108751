/** Libraries for tests: a store in memory that counts what is read, and one on disk. */
import { AppError } from '../../src/errors.ts';
import { joinKey, type ObjectKey, parseObjectKey } from '../../src/storage/object-key.ts';
import type { ObjectInfo, ObjectStore } from '../../src/storage/object-store.ts';

export type MemoryLibrary = ObjectStore & {
  /** Keys in the order in which `get` opened them. */
  readonly opened: ObjectKey[];
  set(key: string, content: string | Uint8Array): void;
  remove(key: string): void;
};

/** Only what readers need: objects cannot be put. */
export function memoryLibrary(files: Readonly<Record<string, string | Uint8Array>>): MemoryLibrary {
  const objects = new Map<ObjectKey, { bytes: Uint8Array; version: number }>();
  const opened: ObjectKey[] = [];
  let version = 0;
  const set = (key: string, content: string | Uint8Array): void => {
    version += 1;
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    objects.set(parseObjectKey(key), { bytes, version });
  };
  for (const [key, content] of Object.entries(files)) set(key, content);
  const find = (key: ObjectKey) => {
    const object = objects.get(key);
    if (object === undefined) throw new AppError('object_not_found', `there is no ${key}`);
    return { ...object, info: infoOf(key, object) };
  };
  return {
    opened,
    set,
    remove: (key) => void objects.delete(parseObjectKey(key)),
    async get(key, options = {}) {
      options.signal?.throwIfAborted();
      const { bytes, info } = find(key);
      opened.push(key);
      const start = options.range?.start ?? 0;
      const end = Math.min(options.range?.end ?? Infinity, bytes.length - 1);
      if (options.range !== undefined && start >= bytes.length) {
        throw new AppError('range_not_satisfiable', 'the range starts after the end');
      }
      const body = new Blob([new Uint8Array(bytes.subarray(start, end + 1))]).stream();
      return { info, range: { start, end }, body };
    },
    head: async (key) => find(key).info,
    async *list(prefix) {
      for (const [key, object] of objects) {
        if (prefix === '' || key.startsWith(`${prefix}/`)) yield infoOf(key, object);
      }
    },
    put: refuse,
    delete: refuse,
    deletePrefix: refuse,
  };
}

async function refuse(): Promise<never> {
  throw new AppError('object_store_failed', 'this library is only for reading');
}

function infoOf(key: ObjectKey, { bytes, version }: { bytes: Uint8Array; version: number }): ObjectInfo {
  return { key, bytes: bytes.length, modifiedAt: new Date(version), etag: String(version) };
}

/** All bytes of an object, or of a part of it. */
export async function readBytes(
  store: ObjectStore,
  key: ObjectKey,
  range?: { readonly start: number; readonly end?: number },
): Promise<Uint8Array> {
  const { body } = await store.get(key, range === undefined ? {} : { range });
  return new Response(body).bytes();
}

/** `root` may be empty. */
export function keyBelow(root: string, path: string): ObjectKey {
  return root === '' ? parseObjectKey(path) : joinKey(root, path);
}

/** Never fires. */
export const SIGNAL = new AbortController().signal;
