/** Watching a folder on this machine. */
import { type FSWatcher, watch } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { TEMPORARY_FOLDER } from './file-system-paths.ts';
import type { FolderWatch } from './folder-watch.ts';

export type FolderWatchOptions = {
  /** Quiet time after the last change before the call, so that unpacking an archive is one call. Default 200. */
  readonly quietMs?: number;
  /** Even without quiet, no change waits longer than this. Default 1000. */
  readonly longestWaitMs?: number;
  /**
   * Network folders tell nothing of what other machines change, and a system has only so many watches to give:
   * so there is also a call each time this has passed. Default 30,000.
   */
  readonly pollMs?: number;
};

/** A watch over everything below `root`, which may be missing now, vanish and come back. Never throws. */
export function watchFolder(root: string, options: FolderWatchOptions = {}): FolderWatch {
  return (onChange) => new Watch(root, onChange, options);
}

/**
 * One watch for each folder rather than one `recursive` one: on Linux that is what Node does underneath, but an
 * error there (out of watches, no permission) is thrown from an event, where nobody can catch it.
 */
class Watch implements Disposable {
  readonly #root: string;
  readonly #onChange: () => void;
  readonly #quietMs: number;
  readonly #longestWaitMs: number;
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #poll: NodeJS.Timeout;
  #pending: { readonly since: number; readonly timer: NodeJS.Timeout } | undefined;
  #looking: Promise<void>;
  #isClosed = false;

  constructor(root: string, onChange: () => void, options: FolderWatchOptions) {
    this.#root = root;
    this.#onChange = onChange;
    this.#quietMs = options.quietMs ?? 200;
    this.#longestWaitMs = options.longestWaitMs ?? 1000;
    this.#poll = setInterval(() => this.#lookAfresh(), options.pollMs ?? 30_000).unref();
    this.#looking = this.#watchAllFolders();
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#pending?.timer);
    this.#unwatchBelow(this.#root);
  }

  /** A folder that was replaced by another of the same name would be watched no more: so start anew. */
  #lookAfresh(): void {
    this.#unwatchBelow(this.#root);
    this.#changed();
  }

  #changed(): void {
    if (this.#isClosed) return;
    const now = performance.now();
    const since = this.#pending?.since ?? now;
    clearTimeout(this.#pending?.timer);
    const waitMs = Math.max(0, Math.min(this.#quietMs, since + this.#longestWaitMs - now));
    this.#pending = { since, timer: setTimeout(() => void this.#call(), waitMs).unref() };
  }

  async #call(): Promise<void> {
    this.#pending = undefined;
    // New folders are watched before the call: what happens from now on is noticed, what was before is found.
    this.#looking = this.#looking.then(() => this.#watchAllFolders());
    await this.#looking;
    if (!this.#isClosed) this.#onChange();
  }

  async #watchAllFolders(): Promise<void> {
    const folders = [this.#root];
    for (let folder = folders.pop(); folder !== undefined && !this.#isClosed; folder = folders.pop()) {
      this.#watch(folder);
      const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
      for (const entry of entries) {
        if (entry.isDirectory() && entry.name !== TEMPORARY_FOLDER) folders.push(join(folder, entry.name));
      }
    }
  }

  #watch(folder: string): void {
    if (this.#isClosed || this.#watchers.has(folder)) return;
    try {
      const watcher = watch(folder, { persistent: false }, (event, name) => {
        // It came, went or was replaced: a watch on what had this name before is of no use.
        if (event === 'rename' && name !== null) this.#unwatchBelow(join(folder, name));
        this.#changed();
      });
      watcher.on('error', () => this.#unwatchBelow(folder));
      this.#watchers.set(folder, watcher);
    } catch {
      // Vanished, forbidden, or no watches left: the poll makes up for it.
    }
  }

  #unwatchBelow(folder: string): void {
    for (const [path, watcher] of this.#watchers) {
      if (path !== folder && !path.startsWith(folder + sep)) continue;
      watcher.close();
      this.#watchers.delete(path);
    }
  }
}
