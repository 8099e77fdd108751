/** What SQLite says, as errors of Sluice. Result codes: https://sqlite.org/rescode.html */
import { AppError } from '../errors.ts';

const UNIQUE_VIOLATIONS = new Set([1555, 2067]); // SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE
const FOREIGN_KEY_VIOLATION = 787; // SQLITE_CONSTRAINT_FOREIGNKEY
const SQLITE_BUSY = 5;

/** Whether a row was refused because there is one of that key already. */
export function isUniqueViolation(error: unknown): boolean {
  return UNIQUE_VIOLATIONS.has(resultCode(error));
}

/** Whether another process was in the way. */
export function isBusy(error: unknown): boolean {
  return (resultCode(error) & 0xff) === SQLITE_BUSY;
}

/** `error` of SQLite. A unique violation is left as it is: what it means, the repository knows. */
export function sqliteError(error: unknown): unknown {
  const code = resultCode(error);
  if (code === 0 || isUniqueViolation(error)) return error;
  if (code === FOREIGN_KEY_VIOLATION) return new AppError('gone', 'the video was deleted', { cause: error });
  const { code: errorCode, message } = MEANINGS[code & 0xff] ?? {
    code: 'internal',
    message: 'the catalog failed',
  };
  return new AppError(errorCode, message, { cause: error });
}

const MEANINGS: Readonly<Record<number, Pick<AppError, 'code' | 'message'>>> = {
  [SQLITE_BUSY]: { code: 'unavailable', message: 'the catalog is locked by another process' },
  8: { code: 'unavailable', message: 'the catalog cannot be written to' }, // SQLITE_READONLY
  10: { code: 'unavailable', message: 'the disk of the catalog reports an input/output error' }, // SQLITE_IOERR
  11: { code: 'unavailable', message: 'the catalog file is damaged' }, // SQLITE_CORRUPT
  13: { code: 'object_store_full', message: 'the disk of the catalog is full' }, // SQLITE_FULL
  14: { code: 'unavailable', message: 'the catalog file cannot be opened' }, // SQLITE_CANTOPEN
  26: { code: 'config_invalid', message: 'the catalog file is not a SQLite database' }, // SQLITE_NOTADB
};

function resultCode(error: unknown): number {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode
    : 0;
}
