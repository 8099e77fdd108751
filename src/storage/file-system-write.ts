/**
 * Writing and deleting objects in a folder. An object is written under a temporary name, forced to the disk,
 * and then renamed, which is atomic; last the folders that name it are forced to the disk.
 */
import { randomUUID } from 'node:crypto';
import {
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rm,
  rmdir,
  unlink,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '../errors.ts';
import { checkSignal } from './abort.ts';
import { type DurableFolders, syncFolder } from './durable-folders.ts';
import { isAbsent, storeError } from './file-system-errors.ts';
import { isTemporary, plainPath, realRoot, TEMPORARY_FOLDER } from './file-system-paths.ts';
import { infoOf } from './file-system-read.ts';
import type { ObjectKey } from './object-key.ts';
import type { ObjectInfo, ObjectStore, PutOptions, ReadOptions } from './object-store.ts';

type Body = Parameters<ObjectStore['put']>[1];

/** A folder that is written to. */
export type WritableFolder = { readonly root: string; readonly folders: DurableFolders };

/** A write that has stood still for so long belongs to a process that died. */
const ABANDONED_AFTER_MS = 60 * 60 * 1000;
/** A folder may be pruned as empty between being made and being used; that often in a row is no coincidence. */
const MOVE_ATTEMPTS = 5;

/** `ObjectStore.put` for the folder `to`. */
export async function putFile(
  to: WritableFolder,
  key: ObjectKey,
  body: Body,
  options: PutOptions = {},
): Promise<ObjectInfo> {
  let temporary: string | undefined;
  try {
    checkSignal(options.signal);
    if (isTemporary(key)) throw new AppError('object_store_failed', 'this name is reserved');
    const root = await realRoot(to.root);
    temporary = await newTemporaryPath(root);
    const info = await writeFile(temporary, key, body, options.signal);
    checkSignal(options.signal);
    await moveIntoPlace(to.folders, root, temporary, plainPath(root, key));
    return info;
  } catch (error) {
    if (temporary !== undefined) await rm(temporary, { force: true }).catch(() => {});
    if (body instanceof ReadableStream && !body.locked) await body.cancel(error).catch(() => {});
    throw error;
  }
}

/** `ObjectStore.delete` for the folder `root`: folders that become empty go, too. */
export async function deleteFile(root: string, key: ObjectKey, options: ReadOptions = {}): Promise<void> {
  checkSignal(options.signal);
  if (isTemporary(key)) return;
  const start = await realRoot(root);
  const path = plainPath(start, key);
  try {
    if (!(await isPlain(dirname(path))) || (await lstat(path)).isDirectory()) return;
    await unlink(path);
  } catch (error) {
    // An empty folder is left alone: somebody may just have made it for a new object.
    if (isAbsent(error)) return;
    throw storeError(error);
  }
  await pruneEmpty(start, dirname(path));
}

/** `ObjectStore.deletePrefix` for the folder `root`. */
export async function deleteFolder(
  root: string,
  prefix: ObjectKey,
  options: ReadOptions = {},
): Promise<void> {
  checkSignal(options.signal);
  if (isTemporary(prefix)) return;
  const start = await realRoot(root);
  const path = plainPath(start, prefix);
  try {
    if (!(await isPlain(path)) || !(await lstat(path)).isDirectory()) return;
    // Retries: an object may be put below the prefix at this very moment.
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    if (isAbsent(error)) return;
    throw storeError(error);
  }
  await pruneEmpty(start, dirname(path));
}

/** Deletes what processes that died in the middle of a put left behind. */
export async function sweepTemporary(root: string, now: number): Promise<void> {
  const folder = join(root, TEMPORARY_FOLDER);
  try {
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      const stats = await lstat(path);
      // Folders in it hold what is meant to stay.
      if (stats.isFile() && now - stats.mtimeMs > ABANDONED_AFTER_MS) await rm(path, { force: true });
    }
  } catch (error) {
    if (!isAbsent(error)) throw storeError(error);
  }
}

async function writeFile(
  path: string,
  key: ObjectKey,
  body: Body,
  signal: AbortSignal | undefined,
): Promise<ObjectInfo> {
  const file = await attempt(() => open(path, 'wx'));
  try {
    if (body instanceof Uint8Array) await attempt(() => file.writeFile(body));
    else await writeStream(file, body, signal);
    return await attempt(async () => {
      await file.sync();
      return infoOf(key, await file.stat({ bigint: true }));
    });
  } finally {
    await attempt(() => file.close());
  }
}

async function writeStream(
  file: FileHandle,
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
) {
  const sink = new WritableStream<Uint8Array>({ write: (chunk) => attempt(() => file.writeFile(chunk)) });
  try {
    await body.pipeTo(sink, signal === undefined ? {} : { signal });
  } catch (error) {
    checkSignal(signal);
    throw error;
  }
}

async function newTemporaryPath(root: string): Promise<string> {
  const folder = join(root, TEMPORARY_FOLDER);
  await attempt(() => mkdir(folder, { recursive: true }));
  return join(folder, randomUUID());
}

/** Renames the file `from` to `to`, below `root` without links, durably; makes the folders that are missing. */
export async function moveIntoPlace(
  folders: DurableFolders,
  root: string,
  from: string,
  to: string,
): Promise<void> {
  for (let attemptsLeft = MOVE_ATTEMPTS - 1; ; attemptsLeft--) {
    try {
      await folders.make(root, dirname(to));
      await rename(from, to);
      break;
    } catch (error) {
      if (attemptsLeft === 0 || !isAbsent(error)) throw storeError(error);
      folders.forget();
    }
  }
  try {
    await syncFolder(dirname(to));
  } catch (error) {
    // Somebody has deleted it since, and with it its folder.
    if (!isAbsent(error)) throw storeError(error);
  }
}

/** Tidying only: whatever keeps a folder from going (it is in use again, say) is no failure of the deletion. */
async function pruneEmpty(root: string, folder: string): Promise<void> {
  try {
    for (let at = folder; at.length > root.length; at = dirname(at)) await rmdir(at);
  } catch {}
}

async function isPlain(path: string): Promise<boolean> {
  return (await realpath(path)) === path;
}

async function attempt<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw storeError(error);
  }
}
