/** What an S3 server says, as the store's closed set of errors. */
import { AppError, isAppError } from '../errors.ts';

const ABSENT = new Set(['NoSuchKey', 'NotFound', 'NoSuchUpload']);
const FULL = new Set(['QuotaExceeded', 'StorageFull', 'XMinioStorageFull', 'InsufficientStorage']);

/** Ends "the object store ...", for whoever runs the server. */
const MEANINGS: Readonly<Record<string, string>> = {
  NoSuchBucket: 'has no such bucket',
  InvalidAccessKeyId: 'does not know the access key: look at AWS_ACCESS_KEY_ID',
  // Versity's gateway.
  XAdminUserNotFound: 'does not know the access key: look at AWS_ACCESS_KEY_ID',
  SignatureDoesNotMatch: 'does not accept the secret key: look at AWS_SECRET_ACCESS_KEY',
  AccessDenied: 'refuses access: the credentials have no right to do this',
  Forbidden: 'refuses access: the credentials have no right to do this',
  ExpiredToken: 'says that the session token has expired',
  InvalidToken: 'does not accept the session token: look at AWS_SESSION_TOKEN',
  TokenRefreshRequired: 'says that the session token has expired',
  RequestTimeTooSkewed: "says that this machine's clock is wrong",
  AuthorizationHeaderMalformed: 'expects another region: look at AWS_REGION',
  PermanentRedirect: 'says that the bucket is at another endpoint: look at AWS_REGION',
  CredentialsProviderError:
    'needs credentials, and none were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  SlowDown: 'asks for fewer requests',
  ServiceUnavailable: 'is not available right now',
  InternalError: 'failed inside',
  TimeoutError: 'did not answer in time',
  ECONNREFUSED: 'cannot be reached: nothing listens there',
  ENOTFOUND: 'cannot be reached: its host name is unknown',
  EAI_AGAIN: 'cannot be reached: its host name could not be looked up',
  EHOSTUNREACH: 'cannot be reached',
  ENETUNREACH: 'cannot be reached',
  ETIMEDOUT: 'cannot be reached: it did not answer in time',
  ECONNRESET: 'broke the connection off',
  EPIPE: 'broke the connection off',
};

/** Ends the same sentence, where something answers that is no S3 server. */
export const NOT_S3 = 'does not answer as S3 does: look at AWS_ENDPOINT_URL_S3';

/** `error` from a request to the server. An AppError passes through. */
export function s3Error(error: unknown): AppError {
  if (isAppError(error)) return error;
  const names = namesOf(error);
  if (names.includes('AbortError')) return new AppError('aborted', 'given up', { cause: error });
  if (names.some((name) => ABSENT.has(name))) {
    return new AppError('object_not_found', 'there is no such object', { cause: error });
  }
  if (names.includes('InvalidRange')) {
    return new AppError('range_not_satisfiable', 'the range asks for no byte of the object', {
      cause: error,
    });
  }
  if (names.some((name) => FULL.has(name))) {
    return new AppError('object_store_full', 'the object store is full', { cause: error });
  }
  const known = names.find((name) => Object.hasOwn(MEANINGS, name));
  const said = known === undefined ? wordless(error, names) : `${MEANINGS[known]} (${known})`;
  return new AppError('object_store_failed', `the object store ${said}`, { cause: error });
}

/** What the SDK calls an answer that has no code of S3 in it: a web server's page, or nothing. */
const WORDLESS = new Set(['Error', 'SyntaxError', 'Unknown', 'UnknownError']);

function wordless(error: unknown, names: readonly string[]): string {
  const status = (error as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata
    ?.httpStatusCode;
  if (status === undefined || !names.every((name) => WORDLESS.has(name))) return `failed (${names[0]})`;
  return `${status >= 500 ? MEANINGS['ServiceUnavailable'] : NOT_S3} (HTTP ${status})`;
}

/** Whether the server says that there is nothing of that name. */
export function isAbsent(error: unknown): boolean {
  return isAppError(s3Error(error), 'object_not_found');
}

/** `action`, with errors of the server as those of the store. */
export async function translated<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw s3Error(error);
  }
}

/** What the error and its causes are called, the most exact first: `NoSuchKey`, `ECONNREFUSED`, `TimeoutError`. */
function namesOf(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return ['unknown error'];
  const { name, code, Code, cause } = error as Error & { code?: unknown; Code?: unknown };
  const own = [Code, code, name].filter((value): value is string => typeof value === 'string');
  const inner = error instanceof AggregateError ? error.errors.flatMap(namesOf) : [];
  return [...own, ...inner, ...(cause === undefined ? [] : namesOf(cause))];
}
