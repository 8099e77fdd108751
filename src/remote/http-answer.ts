/** What an answer to a request for a file says. */
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { AppError } from '../errors.ts';
import { LastingFailure, type OpenOptions, type RemoteFile } from './remote-files.ts';

type Headers = Dispatcher.ResponseData['headers'];

/** The file in `answer`; throws `url_unreachable` where it holds none. */
export async function contentOf(
  answer: Dispatcher.ResponseData,
  url: URL,
  asked: OpenOptions,
  bodyOf: (body: Readable) => ReadableStream<Uint8Array>,
): Promise<RemoteFile> {
  const { statusCode, headers } = answer;
  const range = statusCode === 206 ? contentRange(one(headers, 'content-range')) : undefined;
  const problem = problemOf(statusCode, headers) ?? rangeProblem(statusCode, range, asked);
  if (problem !== undefined) {
    answer.body.destroy();
    throw problem;
  }
  const totalBytes = range?.totalBytes ?? lengthOf(headers);
  const validator = validatorOf(headers);
  return {
    offset: range?.start ?? 0,
    ...(totalBytes === undefined ? {} : { totalBytes }),
    ...(validator === undefined ? {} : { validator }),
    filename: filenameOf(one(headers, 'content-disposition'), url),
    body: bodyOf(answer.body),
  };
}

function problemOf(statusCode: number, headers: Headers): AppError | undefined {
  if (statusCode !== 200 && statusCode !== 206) {
    const message = `the host answers with status ${statusCode}`;
    const mayPass = statusCode >= 500 || statusCode === 408 || statusCode === 429;
    return new AppError('url_unreachable', message, mayPass ? {} : { cause: new LastingFailure(message) });
  }
  const coding = one(headers, 'content-encoding') ?? 'identity';
  if (coding.toLowerCase() === 'identity') return undefined;
  const message = 'the host sends the file compressed, though asked not to';
  return new AppError('url_unreachable', message, { cause: new LastingFailure(message) });
}

/** RFC 9110 15.3.7: a part is only good where it was asked for. */
function rangeProblem(
  statusCode: number,
  range: ContentRange | undefined,
  asked: OpenOptions,
): AppError | undefined {
  if (statusCode !== 206) return undefined;
  if (range !== undefined && asked.offset > 0 && range.start === asked.offset) return undefined;
  return new AppError('url_unreachable', 'the host answers with another part than was asked for');
}

type ContentRange = { readonly start: number; readonly totalBytes: number | undefined };

/** RFC 9110 14.4; undefined where it is something else. */
function contentRange(text: string | undefined): ContentRange | undefined {
  const match = /^bytes (\d+)-\d+\/(\d+|\*)$/i.exec(text ?? '');
  if (match?.[1] === undefined) return undefined;
  const totalBytes = match[2] === '*' ? undefined : Number(match[2]);
  return { start: Number(match[1]), totalBytes };
}

function lengthOf(headers: Headers): number | undefined {
  const length = Number(one(headers, 'content-length') ?? Number.NaN);
  return Number.isSafeInteger(length) ? length : undefined;
}

/** RFC 9110 13.1.5: a weak ETag says nothing of the bytes. */
function validatorOf(headers: Headers): string | undefined {
  const etag = one(headers, 'etag');
  if (etag !== undefined && !etag.startsWith('W/')) return etag;
  return etag === undefined ? one(headers, 'last-modified') : undefined;
}

/** RFC 6266 4.3, else the last part of the address. */
function filenameOf(disposition: string | undefined, url: URL): string {
  const extended = /filename\*\s*=\s*utf-8'[^']*'([^;\s]+)/i.exec(disposition ?? '')?.[1];
  const plain = /filename\s*=\s*(?:"([^"]*)"|([^;\s]+))/i.exec(disposition ?? '');
  const named = (extended === undefined ? undefined : decoded(extended)) ?? plain?.[1] ?? plain?.[2];
  return named ?? decoded(url.pathname.split('/').findLast((part) => part !== '') ?? '') ?? '';
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function one(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'object' ? value[0] : value;
}
