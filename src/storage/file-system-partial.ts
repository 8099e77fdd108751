/** Objects that arrive in pieces, as files that grow in a hidden folder of the store and are then renamed. */
import { type FileHandle, open, readdir, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '../errors.ts';
import { checkSignal } from './abort.ts';
import { DurableFolders, syncFolder } from './durable-folders.ts';
import { appendStream } from './file-append.ts';
import { isAbsent, readError, storeError } from './file-system-errors.ts';
import { plainPath, realRoot, TEMPORARY_FOLDER } from './file-system-paths.ts';
import { infoOf } from './file-system-read.ts';
import { moveIntoPlace } from './file-system-write.ts';
import type { PartialObjects } from './partial-objects.ts';

/** Inside the hidden folder, so that nothing in it is an object. */
const PARTIAL_FOLDER = join(TEMPORARY_FOLDER, 'partial');

/** The partial objects of the folder `root`; `fileSystemStore(root)` has them once they are finished. */
export function fileSystemPartials(root: string): PartialObjects {
  const folders = new DurableFolders();
  const pathOf = async (name: string): Promise<string> => {
    if (!/^[0-9a-f]+$/.test(name)) throw new AppError('invalid_request', 'not a name of a partial object');
    return join(await realRoot(root), PARTIAL_FOLDER, name);
  };

  return {
    create: (name) =>
      translated(async () => {
        const path = await pathOf(name);
        await folders.make(await realRoot(root), dirname(path));
        await (await open(path, 'wx')).close();
        await syncFolder(dirname(path));
      }),

    append: async (name, offset, body, options) => {
      let file: FileHandle | undefined;
      try {
        checkSignal(options.signal);
        file = await open(await pathOf(name), 'r+');
        const size = (await file.stat()).size;
        if (size !== offset) {
          throw new AppError('invalid_request', `the object has ${size} bytes, not ${offset}`);
        }
        return await appendStream(file, offset, body, options);
      } catch (error) {
        if (!body.locked) await body.cancel(error).catch(() => {});
        throw isFromFileSystem(error) ? readError(error) : error;
      } finally {
        await file?.close();
      }
    },

    size: (name) =>
      translated(async () => {
        await using file = await open(await pathOf(name), 'r+');
        // What a process wrote that was killed may still be in memory only.
        await file.sync();
        return (await file.stat()).size;
      }),

    finish: (name, key) =>
      translated(async () => {
        const path = await pathOf(name);
        const info = infoOf(key, await stat(path, { bigint: true }));
        const start = await realRoot(root);
        await moveIntoPlace(folders, start, path, plainPath(start, key));
        await syncFolder(dirname(path));
        return info;
      }),

    remove: (name) =>
      translated(async () => {
        await rm(await pathOf(name), { force: true });
      }),

    // prepareFolder() does it, at the start.
    tidy: async () => {},

    list: () => listPartials(root),

    freeBytes: () =>
      translated(async () => {
        const { bavail, bsize } = await statfs(await realRoot(root));
        return bavail * bsize;
      }),
  };
}

async function* listPartials(root: string): ReturnType<PartialObjects['list']> {
  const folder = join(await realRoot(root), PARTIAL_FOLDER);
  const names = await readdir(folder).catch((error: unknown) => {
    if (isAbsent(error)) return [];
    throw storeError(error);
  });
  for (const name of names) {
    const stats = await stat(join(folder, name)).catch(() => undefined);
    if (stats?.isFile()) yield { name, bytes: stats.size, modifiedAt: stats.mtime };
  }
}

/** `syscall` tells the file system's errors from those of a body that came over a network. */
function isFromFileSystem(error: unknown): boolean {
  return (
    error instanceof Error && 'syscall' in error && ['open', 'fstat', 'close'].includes(String(error.syscall))
  );
}

async function translated<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw readError(error);
  }
}
