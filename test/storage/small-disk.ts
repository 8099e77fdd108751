import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from './temporary-folder.ts';

/** A file system of its own that is soon full. */
export type SmallDisk = AsyncDisposable & { readonly path: string };

/** `false`, or why the tests that need a small disk are skipped: mounting takes root, and Linux. */
export const smallDiskSkip: false | string = canMount() ? false : sayLoudly();

/** A tmpfs of `megabytes`, unmounted in the end. */
export async function smallDisk(megabytes: number): Promise<SmallDisk> {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'disk');
  await mkdir(path);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path]);
  return {
    path,
    async [Symbol.asyncDispose]() {
      execFileSync('umount', ['-l', path]);
      await folder[Symbol.asyncDispose]();
    },
  };
}

function canMount(): boolean {
  try {
    // In a mount namespace of its own, so that nothing stays whatever happens.
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function sayLoudly(): string {
  const message = 'SKIPPED: no small file system can be mounted here (that takes root on Linux)';
  console.error(message);
  return message;
}
