/**
 * Which files of a folder are objects. Only regular files that lie in the folder itself. Symbolic links to
 * folders are never followed: they may lead out, or round in a circle. A symbolic link to a file is followed
 * if it ends at a regular file inside the folder; any other link is no object, neither listed nor read.
 * The folder given as the root may itself be a link, and may be pointed elsewhere while we run.
 */
import { realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { AppError } from '../errors.ts';
import { isAbsent, storeError } from './file-system-errors.ts';
import type { ObjectKey } from './object-key.ts';

/** Holds objects that are still being written. Its content is no object. */
export const TEMPORARY_FOLDER = '.sluice-tmp';

/** The root without links. A root that is not there is a failure, not an empty store: the disk may be unplugged. */
export async function realRoot(root: string): Promise<string> {
  try {
    return await realpath(root);
  } catch (error) {
    if (!isAbsent(error)) throw storeError(error);
    throw new AppError('object_store_failed', 'the folder of the store is not there', { cause: error });
  }
}

/** Where the object would lie, links not looked at. */
export function plainPath(root: string, key: ObjectKey | ''): string {
  return join(root, ...key.split('/'));
}

/** Whether the key names something in the folder of unfinished objects. */
export function isTemporary(key: ObjectKey | ''): boolean {
  return key.split('/')[0] === TEMPORARY_FOLDER;
}

/**
 * The path to open for reading `key`, below a `root` without links; throws the file system's own error where
 * there is nothing, `object_not_found` where what is there is not part of the store.
 */
export async function readablePath(root: string, key: ObjectKey): Promise<string> {
  const plain = plainPath(root, key);
  const real = await realpath(plain);
  if (isTemporary(key)) throw notAnObject();
  if (real === plain) return real;
  const isLinkToFileInside = isInside(root, real) && (await realpath(dirname(plain))) === dirname(plain);
  if (!isLinkToFileInside) throw notAnObject();
  return real;
}

/** What is there is a folder, a device, or a link that leads out of the store. */
export function notAnObject(): AppError {
  return new AppError('object_not_found', 'there is no such object');
}

function isInside(root: string, path: string): boolean {
  const below = relative(root, path);
  const first = below.split(sep)[0];
  return below !== '' && first !== '..' && first !== TEMPORARY_FOLDER && !isAbsolute(below);
}
