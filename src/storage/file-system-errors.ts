/** What the file system says, as the store's closed set of errors. Messages never carry a path of the machine. */
import { AppError } from '../errors.ts';

/** Codes that mean "no object can be there"; a name too long for this file system can have none either. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP']);
const FULL = new Set(['ENOSPC', 'EDQUOT']);

const MEANINGS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
  EIO: 'the disk reports an input/output error',
  EMFILE: 'too many open files',
  ENFILE: 'too many open files',
  EXDEV: 'the folder of the store spans more than one file system',
  EISDIR: 'a folder lies where the object should be',
  EEXIST: 'a file lies where a folder should be',
  ENOTDIR: 'a file lies where a folder should be',
  ENAMETOOLONG: 'the name is too long for this file system',
  EINVAL: 'this file system does not allow such a name',
};

/** Whether the file system says that there is nothing of that name. */
export function isAbsent(error: unknown): boolean {
  return ABSENT.has(codeOf(error));
}

/** Whether the file system says that we may not look. */
export function isDenied(error: unknown): boolean {
  return codeOf(error) === 'EACCES' || codeOf(error) === 'EPERM';
}

/** `error` from a write or a look at the store itself. An AppError passes through. */
export function storeError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const code = codeOf(error);
  if (FULL.has(code)) return new AppError('object_store_full', 'the disk is full', { cause: error });
  const meaning = MEANINGS[code] ?? 'the file system failed';
  return new AppError('object_store_failed', `${meaning} (${code || 'unknown error'})`, { cause: error });
}

/** `error` from reading one object: what is absent is `object_not_found`. */
export function readError(error: unknown): AppError {
  if (error instanceof AppError || !isAbsent(error)) return storeError(error);
  return new AppError('object_not_found', 'there is no such object', { cause: error });
}

/** The file system's own word (`ENOENT`), or '' where `error` is something else. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
