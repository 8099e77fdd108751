/**
 * Every way in which Sluice refuses or fails, as a closed set. The codes are part of the public interface:
 * they appear in `application/problem+json` answers and in `Video.error`. HTTP status codes are chosen in
 * `server/problems.ts`, and nowhere else.
 */
export type ErrorCode =
  // What was asked for
  | 'invalid_request'
  | 'not_found'
  | 'gone'
  | 'method_not_allowed'
  | 'precondition_failed'
  | 'range_not_satisfiable'
  | 'unauthorized'
  | 'forbidden'
  | 'unsupported_media_type'
  | 'offset_mismatch'
  // What a source is
  | 'source_empty'
  | 'source_not_media'
  | 'source_unsupported'
  | 'source_damaged'
  | 'source_too_large'
  | 'source_unreadable'
  | 'source_vanished'
  | 'package_invalid'
  | 'url_forbidden'
  | 'url_unreachable'
  // What captions are
  | 'captions_empty'
  | 'captions_not_text'
  | 'captions_invalid'
  | 'captions_too_large'
  // What the machine could not do
  | 'encode_failed'
  | 'encode_timeout'
  | 'not_ready'
  | 'unavailable'
  | 'aborted'
  // Where bytes live
  | 'object_not_found'
  | 'object_store_failed'
  | 'object_store_full'
  | 'config_invalid'
  | 'internal';

/** The only error that Sluice throws on purpose. `message` is one sentence that a user may read. */
export class AppError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'AppError';
    this.code = code;
  }
}

/** Whether `error` is an {@link AppError}, and with `code` given, one of that code. */
export function isAppError(error: unknown, code?: ErrorCode): error is AppError {
  return error instanceof AppError && (code === undefined || error.code === code);
}
