/** A {@link Resource} as an HTTP answer: conditions, ranges, compression, backpressure. */
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';
import type { ByteRange } from '../media/byte-range.ts';
import type { Resource } from '../pipeline/resource.ts';
import {
  type EntityTag,
  formatEntityTag,
  isNotModified,
  isPreconditionFailed,
  isRangeCurrent,
} from './conditions.ts';
import { type ContentCoding, chooseCoding, encode, isCompressible } from './content-coding.ts';
import { drained } from './drained.ts';
import { sendProblem } from './problems.ts';
import { type ByteSpan, contentRange, plainRange, resolveRanges, spanBytes } from './ranges.ts';

type Headers = Readonly<Record<string, string | number>>;

/**
 * Answers a GET or HEAD. Rejects, before anything is sent, with what {@link Resource.open} rejects with and with
 * `precondition_failed`. What goes wrong later ends the connection, so that no cache takes a torso for the whole.
 */
export async function sendResource(
  request: FastifyRequest,
  reply: FastifyReply,
  resource: Resource,
  signal: AbortSignal,
  extraHeaders: Headers = {},
): Promise<void> {
  const canCompress = isCompressible(resource.mediaType, resource.bytes);
  // Ranges count in the bytes of the coding chosen (RFC 9110 14); who asks for ranges gets the plain ones.
  const coding =
    canCompress && request.headers.range === undefined
      ? chooseCoding(request.headers['accept-encoding'])
      : undefined;
  const entityTag = entityTagOf(resource, coding);
  const validators = {
    ...extraHeaders,
    'Cache-Control': resource.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    ETag: formatEntityTag(entityTag),
    ...(canCompress ? { Vary: 'Accept-Encoding' } : {}),
  };

  if (isPreconditionFailed(request.headers['if-match'], entityTag)) {
    throw new AppError('precondition_failed', 'the content is not the one named in If-Match');
  }
  if (isNotModified(request.headers['if-none-match'], entityTag)) return sendHead(reply, 304, validators);

  const headers = { ...validators, 'Content-Type': resource.mediaType };
  if (coding !== undefined) return sendEncoded(request, reply, resource, coding, headers, signal);
  return sendBytes(request, reply, resource, entityTag, { ...headers, 'Accept-Ranges': 'bytes' }, signal);
}

/** What {@link sendResource} will open of any resource; undefined where that depends on the resource. */
export function readOf({ method, headers }: FastifyRequest): ByteRange | undefined {
  const conditions = [headers['if-match'], headers['if-none-match'], headers['if-range']];
  if (method !== 'GET' || conditions.some((condition) => condition !== undefined)) return undefined;
  return plainRange(headers.range);
}

/** Ends the answer after its header fields. */
export function sendHead(reply: FastifyReply, status: number, headers: Headers): void {
  // Throws for a value that no header field can have: before hijack(), that still becomes a problem.
  reply.raw.writeHead(status, headers);
  reply.hijack();
  reply.raw.end();
}

/** Weak when encoded: another version of zlib makes other bytes of the same text. */
function entityTagOf(resource: Resource, coding: ContentCoding | undefined): EntityTag {
  return coding === undefined
    ? { tag: resource.etag, isWeak: false }
    : { tag: `${resource.etag}-${coding}`, isWeak: true };
}

async function sendEncoded(
  request: FastifyRequest,
  reply: FastifyReply,
  resource: Resource,
  coding: ContentCoding,
  headers: Headers,
  signal: AbortSignal,
): Promise<void> {
  const plain = await new Response(await resource.open(undefined, signal)).bytes();
  const body = await encode(plain, coding);
  reply.raw.writeHead(200, { ...headers, 'Content-Encoding': coding, 'Content-Length': body.byteLength });
  reply.hijack();
  reply.raw.end(request.method === 'HEAD' ? undefined : body);
}

async function sendBytes(
  request: FastifyRequest,
  reply: FastifyReply,
  resource: Resource,
  entityTag: EntityTag,
  headers: Headers,
  signal: AbortSignal,
): Promise<void> {
  // RFC 9110 14.2: ranges are defined for GET alone, and only for the version that If-Range names.
  const ifRange = request.headers['if-range']?.toString();
  const isRangeWanted = request.method === 'GET' && isRangeCurrent(ifRange, entityTag);
  const answer = resolveRanges(isRangeWanted ? request.headers.range : undefined, resource.bytes);
  if (answer.kind === 'unsatisfiable') {
    const error = new AppError('range_not_satisfiable', `there are only ${resource.bytes} bytes`);
    sendProblem(request, reply, error, { 'Content-Range': `bytes */${resource.bytes}` });
    return;
  }
  if (answer.kind === 'partial') {
    const [first, ...others] = answer.spans;
    const content = others.length === 0 ? singlePart(resource, first) : multipart(resource, answer.spans);
    return sendContent(reply, resource, 206, { ...headers, ...content.headers }, content.parts, signal);
  }
  const length = { 'Content-Length': resource.bytes };
  if (request.method === 'HEAD') return sendHead(reply, 200, { ...headers, ...length });
  const whole = { start: 0, end: resource.bytes - 1 };
  return sendContent(reply, resource, 200, { ...headers, ...length }, [whole], signal);
}

/** Text goes out as it is, a span as those bytes of the resource. */
type Part = string | ByteSpan;
type Content = { readonly headers: Headers; readonly parts: readonly Part[] };

function singlePart(resource: Resource, span: ByteSpan): Content {
  return {
    headers: { 'Content-Range': contentRange(span, resource.bytes), 'Content-Length': spanBytes(span) },
    parts: [span],
  };
}

/** RFC 9110 14.6 */
function multipart(resource: Resource, spans: readonly ByteSpan[]): Content {
  const boundary = randomUUID();
  const parts = spans.flatMap((span) => {
    const range = contentRange(span, resource.bytes);
    const head = `\r\n--${boundary}\r\nContent-Type: ${resource.mediaType}\r\nContent-Range: ${range}\r\n\r\n`;
    return [head, span];
  });
  const closed = [...parts, `\r\n--${boundary}--\r\n`];
  const length = closed.reduce(
    (sum, part) => sum + (typeof part === 'string' ? part.length : spanBytes(part)),
    0,
  );
  return {
    headers: { 'Content-Type': `multipart/byteranges; boundary=${boundary}`, 'Content-Length': length },
    parts: closed,
  };
}

async function sendContent(
  reply: FastifyReply,
  resource: Resource,
  status: number,
  headers: Headers,
  parts: readonly Part[],
  signal: AbortSignal,
): Promise<void> {
  const open = (span: ByteSpan) => {
    const isWhole = spanBytes(span) === resource.bytes;
    return resource.open(isWhole ? undefined : span, signal);
  };
  const response = reply.raw;
  const [firstSpan] = parts.filter((part) => typeof part !== 'string');
  // Opened before the first byte is sent: while a problem can still be answered.
  let opened = firstSpan === undefined ? undefined : await open(firstSpan);
  reply.hijack();
  try {
    response.writeHead(status, headers);
    for (const part of parts) {
      if (typeof part === 'string') {
        response.write(part, 'latin1');
        continue;
      }
      const stream = opened ?? (await open(part));
      opened = undefined;
      await writeStream(stream, response, spanBytes(part));
    }
    response.end();
  } catch (error) {
    const isClientGone = response.destroyed;
    reply.log[isClientGone ? 'debug' : 'error']({ err: error }, 'answer broken off');
    // Not an end: the client must see that bytes are missing.
    response.destroy();
  } finally {
    await opened?.cancel();
  }
}

/** Writes exactly `bytes` bytes as fast as the client takes them; rejects when there are more, fewer, or no client. */
async function writeStream(
  stream: ReadableStream<Uint8Array>,
  response: ServerResponse,
  bytes: number,
): Promise<void> {
  const reader = stream.getReader();
  // A source that waits for bytes hears at once that nobody wants them.
  const cancel = () => void reader.cancel().catch(() => undefined);
  response.once('close', cancel);
  try {
    let missing = bytes;
    for (;;) {
      const { done, value } = await reader.read();
      if (response.destroyed) throw new AppError('aborted', 'the client went away');
      if (done) break;
      missing -= value.byteLength;
      if (missing < 0) break;
      if (!response.write(value)) await drained(response);
    }
    if (missing !== 0) throw new AppError('internal', `a resource has not the ${bytes} bytes it promised`);
  } catch (error) {
    cancel();
    throw error;
  } finally {
    response.off('close', cancel);
  }
}
