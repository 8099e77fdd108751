/** Reading and listing objects in a folder. */
import { constants, type BigIntStats } from 'node:fs';
import { type FileHandle, open, readdir, realpath, stat } from 'node:fs/promises';
import { AppError, isAppError } from '../errors.ts';
import { checkSignal } from './abort.ts';
import { isAbsent, isDenied, readError, storeError } from './file-system-errors.ts';
import { isTemporary, notAnObject, plainPath, readablePath, realRoot } from './file-system-paths.ts';
import { type ObjectKey, parseObjectKey } from './object-key.ts';
import type { GetOptions, ObjectContent, ObjectInfo, ReadOptions } from './object-store.ts';
import { resolveRange } from './range.ts';

/** Memory that one open body uses, give or take one more read ahead. */
const CHUNK_BYTES = 256 * 1024;
/** Enough looks at once to keep a network file system busy. */
const LOOKS_AT_ONCE = 32;

/** Closes files whose body was neither read to its end nor cancelled, once nobody can read it any more. */
const forgottenBodies = new FinalizationRegistry<FileHandle>((file) => void file.close());

/** `ObjectStore.get` for the folder `root`. */
export async function getFile(
  root: string,
  key: ObjectKey,
  options: GetOptions = {},
): Promise<ObjectContent> {
  checkSignal(options.signal);
  const file = await openFile(root, key);
  try {
    const info = infoOf(key, await file.stat({ bigint: true }));
    const range = resolveRange(options.range, info.bytes);
    checkSignal(options.signal);
    return { info, range, body: bodyOf(file, range, options.signal) };
  } catch (error) {
    await file.close();
    throw readError(error);
  }
}

/** `ObjectStore.head` for the folder `root`. */
export async function headFile(root: string, key: ObjectKey, options: ReadOptions = {}): Promise<ObjectInfo> {
  checkSignal(options.signal);
  const start = await realRoot(root);
  try {
    return infoOf(key, await stat(await readablePath(start, key), { bigint: true }));
  } catch (error) {
    throw readError(error);
  }
}

/**
 * `ObjectStore.list` for the folder `root`. Left out: what vanishes meanwhile, names that are not object keys
 * (a backslash, bytes that are not UTF-8), folders that we may not enter (`lost+found`). Anything else that goes
 * wrong fails the listing: half a list would look as if the rest had been deleted.
 */
export async function* listFiles(
  root: string,
  prefix: ObjectKey | '',
  options: ReadOptions = {},
): AsyncGenerator<ObjectInfo> {
  const start = await realRoot(root);
  const folders: (ObjectKey | '')[] = [prefix];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const { files, inner } = await readFolder(start, folder);
    folders.push(...inner);
    for (let at = 0; at < files.length; at += LOOKS_AT_ONCE) {
      checkSignal(options.signal);
      const batch = files.slice(at, at + LOOKS_AT_ONCE);
      const infos = await Promise.all(batch.map((key) => headIfThere(start, key)));
      for (const info of infos) if (info !== undefined) yield info;
    }
  }
  // A disk that was unplugged half way made folders vanish, too.
  if ((await realRoot(root)) !== start)
    throw new AppError('object_store_failed', 'the folder of the store moved');
}

/** What is known of a file. The inode is part of the etag: a file replaced by a rename is another one. */
export function infoOf(key: ObjectKey, stats: BigIntStats): ObjectInfo {
  if (!stats.isFile()) throw notAnObject();
  const etag = [stats.size, stats.mtimeNs, stats.ino].map((part) => part.toString(36)).join('-');
  return { key, bytes: Number(stats.size), modifiedAt: stats.mtime, etag };
}

async function openFile(root: string, key: ObjectKey): Promise<FileHandle> {
  const start = await realRoot(root);
  try {
    // A named pipe in the folder must not hold us up until somebody writes into it.
    return await open(await readablePath(start, key), constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    throw readError(error);
  }
}

function bodyOf(
  file: FileHandle,
  range: { readonly start: number; readonly end: number },
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array> {
  let position = range.start;
  let giveUp: (() => void) | undefined;
  const finish = (): Promise<void> => {
    if (giveUp !== undefined) signal?.removeEventListener('abort', giveUp);
    forgottenBodies.unregister(file);
    return file.close();
  };
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      if (signal === undefined) return;
      giveUp = () => {
        controller.error(new AppError('aborted', 'given up', { cause: signal.reason }));
        void finish();
      };
      signal.addEventListener('abort', giveUp, { once: true });
    },
    async pull(controller) {
      const wanted = Math.min(CHUNK_BYTES, range.end + 1 - position);
      try {
        const chunk = new Uint8Array(wanted);
        const read = wanted === 0 ? 0 : (await file.read(chunk, 0, wanted, position)).bytesRead;
        if (signal?.aborted) return;
        if (read === 0 && wanted > 0) {
          throw new AppError('object_store_failed', 'the object became shorter while it was read');
        }
        position += read;
        if (read > 0) controller.enqueue(chunk.subarray(0, read));
        if (position <= range.end) return;
        await finish();
        controller.close();
      } catch (error) {
        if (signal?.aborted) return;
        await finish();
        throw storeError(error);
      }
    },
    cancel: finish,
  });
  forgottenBodies.register(body, file, file);
  return body;
}

async function readFolder(root: string, folder: ObjectKey | '') {
  const files: ObjectKey[] = [];
  const inner: ObjectKey[] = [];
  for (const entry of await entriesOf(root, folder)) {
    const key = keyOf(folder, entry.name);
    if (key === undefined || isTemporary(key)) continue;
    if (entry.isDirectory()) inner.push(key);
    else if (entry.isFile() || entry.isSymbolicLink()) files.push(key);
  }
  return { files, inner };
}

async function entriesOf(root: string, folder: ObjectKey | '') {
  if (isTemporary(folder)) return [];
  const path = plainPath(root, folder);
  try {
    // A link to a folder is not followed, also where the prefix itself leads through one.
    if (path !== (await realpath(path))) return [];
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (folder !== '' && (isAbsent(error) || isDenied(error))) return [];
    throw storeError(error);
  }
}

function keyOf(folder: ObjectKey | '', name: string): ObjectKey | undefined {
  try {
    return parseObjectKey(folder === '' ? name : `${folder}/${name}`);
  } catch (error) {
    if (isAppError(error, 'invalid_request')) return undefined;
    throw error;
  }
}

async function headIfThere(root: string, key: ObjectKey): Promise<ObjectInfo | undefined> {
  try {
    return infoOf(key, await stat(await readablePath(root, key), { bigint: true }));
  } catch (error) {
    if (isAbsent(error) || isDenied(error) || isAppError(error, 'object_not_found')) return undefined;
    throw storeError(error);
  }
}
