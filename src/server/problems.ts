/** Errors as HTTP answers: `application/problem+json` (RFC 9457). The only place that chooses status codes. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AppError, type ErrorCode, isAppError } from '../errors.ts';
import { PLAYBACK_HEADERS, isPlaybackUrl } from './playback-headers.ts';

type Answer = {
  readonly status: number;
  readonly title: string;
  /** Whole seconds after which trying again makes sense. */
  readonly retryAfterSeconds?: number;
};

const ANSWERS: Readonly<Record<ErrorCode, Answer>> = {
  invalid_request: { status: 400, title: 'The request is not valid' },
  not_found: { status: 404, title: 'Nothing at this address' },
  gone: { status: 410, title: 'No longer there' },
  method_not_allowed: { status: 405, title: 'Method not allowed here' },
  precondition_failed: { status: 412, title: 'A condition of the request does not hold' },
  range_not_satisfiable: { status: 416, title: 'The range lies beyond the end' },
  unauthorized: { status: 401, title: 'Not authorized' },
  forbidden: { status: 403, title: 'Not allowed' },
  unsupported_media_type: { status: 415, title: 'This kind of content is not taken here' },
  offset_mismatch: { status: 409, title: 'The upload stands at another offset' },
  source_empty: { status: 422, title: 'The source is empty' },
  source_not_media: { status: 422, title: 'The source is not a video' },
  source_unsupported: { status: 422, title: 'The source is of an unsupported kind' },
  source_damaged: { status: 422, title: 'The source is damaged' },
  source_too_large: { status: 413, title: 'The source is too large' },
  source_unreadable: { status: 500, title: 'The source cannot be read' },
  source_vanished: { status: 410, title: 'The source is no longer there' },
  package_invalid: { status: 422, title: 'The package is not valid' },
  url_forbidden: { status: 422, title: 'This address is not fetched from' },
  url_unreachable: { status: 502, title: 'The address could not be fetched' },
  captions_empty: { status: 422, title: 'There are no captions in it' },
  captions_not_text: { status: 422, title: 'The captions are not a text' },
  captions_invalid: { status: 422, title: 'The captions cannot be understood' },
  captions_too_large: { status: 413, title: 'The captions are too large' },
  encode_failed: { status: 500, title: 'Encoding failed' },
  encode_timeout: { status: 503, title: 'Encoding took too long', retryAfterSeconds: 10 },
  not_ready: { status: 503, title: 'Not ready yet', retryAfterSeconds: 2 },
  unavailable: { status: 503, title: 'Not available right now', retryAfterSeconds: 2 },
  // Nobody is left to read it; the number is for logs and metrics, nginx's for the same case.
  aborted: { status: 499, title: 'The client went away' },
  object_not_found: { status: 404, title: 'Nothing at this address' },
  object_store_failed: { status: 503, title: 'The object store failed', retryAfterSeconds: 5 },
  object_store_full: { status: 507, title: 'The object store is full' },
  config_invalid: { status: 500, title: 'The configuration is not valid' },
  internal: { status: 500, title: 'Something went wrong inside the server' },
};

/** Every code that a problem can have. */
export const ERROR_CODES = Object.keys(ANSWERS) as [ErrorCode, ...ErrorCode[]];

/** The body of every error answer. */
export const Problem = z
  .object({
    type: z
      .string()
      .meta({ description: 'A URI that names the kind of problem: `urn:sluice:problem:{code}`.' }),
    title: z
      .string()
      .meta({ description: 'The kind of problem in words; the same for every problem of a code.' }),
    status: z.int().meta({ description: 'The HTTP status code.' }),
    detail: z.string().meta({ description: 'What happened this time, in one sentence for people.' }),
    code: z.enum(ERROR_CODES).meta({ description: 'What happened, for programs. Stable.' }),
    instance: z.string().meta({ description: 'The path that was asked for.' }),
  })
  .meta({
    id: 'Problem',
    description: 'An error, as RFC 9457 has it.',
    examples: [
      {
        type: 'urn:sluice:problem:not_found',
        title: 'Nothing at this address',
        status: 404,
        detail: 'there is no such video',
        code: 'not_found',
        instance: '/api/v1/videos/vid_0198c0ffee0000000000000000000000',
      },
    ],
  });

/** Which HTTP status an error code is answered with. */
export function statusOf(code: ErrorCode): number {
  return ANSWERS[code].status;
}

/** The error that a client may hear of: whatever was not thrown on purpose becomes `internal`, without details. */
export function toAppError(error: unknown): AppError {
  if (isAppError(error)) return error;
  // Fastify's own refusals: a query that does not fit its schema, a body it cannot parse.
  const { statusCode = 500, validation } = error as Partial<FastifyError>;
  if (error instanceof Error && statusCode >= 400 && statusCode < 500) {
    const reasons = validation?.map(reasonOf);
    const code = statusCode === 415 ? 'unsupported_media_type' : 'invalid_request';
    return new AppError(code, reasons?.join('; ') ?? error.message, { cause: error });
  }
  return new AppError('internal', 'something went wrong inside the server', { cause: error });
}

/** `title: Too long`; what is wrong with the whole is about no part of it. */
function reasonOf({ instancePath, message }: { instancePath: string; message?: string }): string {
  const part = instancePath.replace(/^\//, '');
  return part === '' ? `${message}` : `${part}: ${message}`;
}

/** Answers with a problem, and logs it when it is the server's fault. Nothing may have been sent before. */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
  headers: Readonly<Record<string, string>> = {},
): FastifyReply {
  const appError = toAppError(error);
  const { status, retryAfterSeconds } = ANSWERS[appError.code];
  if (appError.code === 'internal') request.log.error({ err: error }, 'unexpected error');
  else if (status >= 500) request.log.warn({ err: appError }, 'request failed');

  const playbackHeaders = isPlaybackUrl(request.raw.url) ? PLAYBACK_HEADERS : {};
  return reply
    .code(status)
    .headers({ ...playbackHeaders, 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' })
    .headers(retryAfterSeconds === undefined ? {} : { 'Retry-After': `${retryAfterSeconds}` })
    .headers(headers)
    .type('application/problem+json')
    .send(problemText(appError, pathOf(request.raw.url)));
}

/** Answers a connection whose bytes were not HTTP, or whose headers came too slowly or were too large. */
export function answerBrokenConnection(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const status = CONNECTION_ERRORS[error.code ?? ''] ?? 400;
  const title = STATUS_CODES[status] ?? '';
  const body = JSON.stringify({
    type: 'urn:sluice:problem:invalid_request',
    title: ANSWERS.invalid_request.title,
    status,
    detail: `the request could not be read: ${title}`,
    code: 'invalid_request',
  });
  const head = `HTTP/1.1 ${status} ${title}\r\nContent-Type: application/problem+json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
  socket.end(head + body);
}

/** A request target without its query, which may hold secrets. */
export function pathOf(url: string | undefined): string {
  return (url ?? '').split(/[?#]/, 1)[0] ?? '';
}

const CONNECTION_ERRORS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

function problemText(error: AppError, instance: string): string {
  const { status, title } = ANSWERS[error.code];
  return JSON.stringify({
    type: `urn:sluice:problem:${error.code}`,
    title,
    status,
    detail: error.message,
    code: error.code,
    instance,
  } satisfies z.infer<typeof Problem>);
}
