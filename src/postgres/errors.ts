/** What PostgreSQL and the way to it say, as errors of Sluice. Codes: PostgreSQL's manual, appendix A. */
import { AppError, type ErrorCode } from '../errors.ts';

type Meaning = { readonly code: ErrorCode; readonly message: string };

const UNIQUE_VIOLATION = '23505';

const AWAY: Meaning = { code: 'unavailable', message: 'the database cannot be reached' };
const BUSY: Meaning = { code: 'unavailable', message: 'the database is too busy' };

/** By the whole code, then by its class (the first two characters). */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  '08': AWAY,
  '22021': { code: 'invalid_request', message: 'a text holds characters that cannot be stored' }, // NUL
  '23503': { code: 'gone', message: 'the video was deleted' }, // foreign_key_violation
  '25006': { code: 'unavailable', message: 'the database cannot be written to' }, // a standby
  '28': { code: 'config_invalid', message: 'the database refuses this user or password' },
  '3D': { code: 'config_invalid', message: 'the database server has no database of this name' },
  '40': BUSY, // serialization_failure, deadlock_detected
  '42501': { code: 'config_invalid', message: 'the database user may not do what is needed' },
  '53': BUSY,
  '53100': { code: 'object_store_full', message: 'the disk of the database is full' },
  '55P03': BUSY, // lock_not_available
  '57': AWAY, // shutting down, starting up, cancelled
  '57014': { code: 'unavailable', message: 'the database took too long to answer' }, // statement_timeout
  '58': { code: 'unavailable', message: 'the database reports an error of its disk' },
};

/** What the system says about a connection, and what pg says of one that ended, by the beginning of its message. */
const CONNECTION_CODES = /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|ENOENT|EACCES)/;
const CONNECTION_MESSAGES =
  /^(Connection terminated|Client has encountered|Client was closed|Query read timeout|timeout e)/i;

/** Whether a row was refused because there is one of that key already. */
export function isUniqueViolation(error: unknown): boolean {
  return codeOf(error) === UNIQUE_VIOLATION;
}

/** Whether the connection on which it happened must not be used again. */
export function isConnectionLost(error: unknown): boolean {
  const code = codeOf(error);
  return CONNECTION_CODES.test(code) || CONNECTION_MESSAGES.test(messageOf(error)) || /^(08|57P)/.test(code);
}

/** `error` of PostgreSQL or of pg. A unique violation is left as it is: what it means, the repository knows. */
export function postgresError(error: unknown): unknown {
  if (error instanceof AppError || isUniqueViolation(error)) return error;
  const code = codeOf(error);
  const lost = isConnectionLost(error) ? AWAY : undefined;
  const meaning = MEANINGS[code] ?? lost ?? MEANINGS[code.slice(0, 2)];
  const { code: errorCode, message } = meaning ?? { code: 'internal', message: 'the database failed' };
  return new AppError(errorCode, message, { cause: error });
}

function codeOf(error: unknown): string {
  // Of an address with several numbers (localhost), all of which refused.
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}
