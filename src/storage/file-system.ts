/** A folder as an object store. An object is a file; its key is the path below the folder. */
import { mkdir } from 'node:fs/promises';
import { DurableFolders } from './durable-folders.ts';
import { storeError } from './file-system-errors.ts';
import { getFile, headFile, listFiles } from './file-system-read.ts';
import { deleteFile, deleteFolder, putFile, sweepTemporary } from './file-system-write.ts';
import type { ObjectStore } from './object-store.ts';

/** The objects in the folder `root`. What is an object there, and what is not, see file-system-paths.ts. */
export function fileSystemStore(root: string): ObjectStore {
  const folders = new DurableFolders();
  return {
    get: (key, options) => getFile(root, key, options),
    head: (key, options) => headFile(root, key, options),
    put: (key, body, options) => putFile({ root, folders }, key, body, options),
    list: (prefix, options) => listFiles(root, prefix, options),
    delete: (key, options) => deleteFile(root, key, options),
    deletePrefix: (prefix, options) => deleteFolder(root, prefix, options),
  };
}

/**
 * To be called once at the start for a folder that is written to, before {@link fileSystemStore} is used: makes
 * the folder, and deletes what an earlier run left unfinished. `now` in milliseconds since 1970. Throws
 * `object_store_failed` or `object_store_full`.
 */
export async function prepareFolder(root: string, now: number): Promise<void> {
  try {
    await mkdir(root, { recursive: true });
  } catch (error) {
    throw storeError(error);
  }
  await sweepTemporary(root, now);
}
