/** Folders whose names survive a power cut: a file is only as durable as every folder above it. */
import { mkdir, open, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError } from '../errors.ts';
import { codeOf } from './file-system-errors.ts';

/** Forgetting is cheap (one more fsync each), so the memory of what was made is simply emptied when it gets long. */
const MAX_REMEMBERED = 10_000;

/** Makes each folder once, and forces it to the disk once, however many objects are put into it. */
export class DurableFolders {
  readonly #made = new Map<string, Promise<void>>();

  /** Makes `folder` and what is missing between it and `root`. Both without links; throws what the file system throws. */
  make(root: string, folder: string): Promise<void> {
    if (folder === root) return Promise.resolve();
    const before = this.#made.get(folder);
    if (before !== undefined) return before;
    if (this.#made.size >= MAX_REMEMBERED) this.#made.clear();
    const made = this.#make(root, folder);
    this.#made.set(folder, made);
    made.catch(() => this.#made.delete(folder));
    return made;
  }

  /** To be called when a folder was found gone. */
  forget(): void {
    this.#made.clear();
  }

  async #make(root: string, folder: string): Promise<void> {
    const parent = dirname(folder);
    await this.make(root, parent);
    await mkdir(folder).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    });
    if ((await realpath(folder)) !== folder) {
      throw new AppError('object_store_failed', 'a symbolic link lies where a folder should be');
    }
    // Also where the folder was there already: whoever made it may not have come so far.
    await syncFolder(parent);
  }
}

/** Forces the names in `folder` to the disk, on file systems that can. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows neither needs it nor opens folders.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some network and FUSE file systems do not know fsync on folders.
    if (!['EINVAL', 'ENOTSUP', 'ENOSYS'].includes(codeOf(error))) throw error;
  } finally {
    await handle.close();
  }
}
