/** Files over HTTP and HTTPS, from the open internet only. */
import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import type { Readable } from 'node:stream';
import { Agent, buildConnector, type Dispatcher, request } from 'undici';
import { AppError } from '../errors.ts';
import { contentOf } from './http-answer.ts';
import { isPublicAddress } from './public-address.ts';
import { LastingFailure, type OpenOptions, type RemoteFile, type RemoteFiles } from './remote-files.ts';

/** Finds every address of a name. `done` is called once. */
export type Resolve = (
  hostname: string,
  done: (error: Error | null, addresses: readonly LookupAddress[]) => void,
) => void;

export type HttpFilesOptions = {
  /** Which addresses may be connected to; those of the open internet unless given. */
  readonly isAllowed?: (address: string) => boolean;
  /** How names become addresses; the system's way unless given. */
  readonly resolve?: Resolve;
  /** Without a byte for so long, an answer counts as broken off; 30 s unless given. */
  readonly stallMs?: number;
  readonly userAgent?: string;
};

const MAX_REDIRECTS = 5;
const CONNECT_MS = 10_000;
const HEADERS_MS = 20_000;
const STALL_MS = 30_000;

/** Files of web servers. Disposing breaks off every connection. */
export function httpFiles(options: HttpFilesOptions = {}): RemoteFiles & AsyncDisposable {
  const { isAllowed = isPublicAddress, resolve = resolveBySystem, stallMs = STALL_MS } = options;
  const agent = new Agent({
    connect: guardedConnector(isAllowed, resolve),
    headersTimeout: HEADERS_MS,
    bodyTimeout: stallMs,
    // Few files from many servers: nothing to keep a connection for.
    pipelining: 0,
  });

  const ask = async (
    url: URL,
    { offset, validator, signal }: OpenOptions,
  ): Promise<Dispatcher.ResponseData> => {
    checkUrl(url, isAllowed);
    try {
      const answer = await request(url, {
        dispatcher: agent,
        signal,
        headers: {
          'user-agent': options.userAgent ?? 'Sluice',
          accept: '*/*',
          // The bytes are kept as they come.
          'accept-encoding': 'identity',
          // RFC 9110 14.2, 13.1.5
          ...(offset > 0 && validator !== undefined
            ? { range: `bytes=${offset}-`, 'if-range': validator }
            : {}),
        },
      });
      // Who reads the body is told of its errors; breaking it off without reading it is none.
      answer.body.on('error', () => {});
      return answer;
    } catch (error) {
      throw unreachable(error, signal);
    }
  };

  return {
    async open(address, open): Promise<RemoteFile> {
      let url = parseUrl(address);
      for (let redirects = 0; ; redirects++) {
        const answer = await ask(url, open);
        const { location } = answer.headers;
        if (!isRedirect(answer.statusCode) || typeof location !== 'string') {
          return contentOf(answer, url, open, (body) => translated(body, open.signal));
        }
        await answer.body.dump().catch(() => {});
        if (redirects === MAX_REDIRECTS) throw lasting('the address is redirected too often');
        url = parseUrl(location, url);
      }
    },
    [Symbol.asyncDispose]: () => agent.destroy(),
  };
}

/** As programs of this machine see it, with its hosts file. */
const resolveBySystem: Resolve = (hostname, done) => dnsLookup(hostname, { all: true }, done);

/**
 * Connects to addresses that were checked, and to no others: the name is resolved once, and what it resolved to is
 * what the socket gets. A second look at the connected socket is for what nobody thought of.
 */
function guardedConnector(
  isAllowed: (address: string) => boolean,
  resolve: Resolve,
): buildConnector.connector {
  const connect = buildConnector({
    timeout: CONNECT_MS,
    lookup: (hostname, { all }, callback) => {
      resolve(hostname, (error, addresses) => {
        if (error !== null) return callback(error, '', 4);
        const allowed = addresses.filter(({ address }) => isAllowed(address));
        const [first] = allowed;
        if (first === undefined) return callback(forbidden(), '', 4);
        if (all) callback(null, allowed);
        else callback(null, first.address, first.family);
      });
    },
  });
  return (options, callback) => {
    connect(options, (...[error, socket]) => {
      if (error !== null) return callback(error, null);
      if (isAllowed(socket.remoteAddress ?? '')) return callback(null, socket);
      socket.destroy();
      callback(forbidden(), null);
    });
  };
}

function parseUrl(text: string, base?: URL): URL {
  const url = URL.parse(text, base);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new AppError('invalid_request', 'only http:// and https:// addresses are fetched');
  }
  if (url.username !== '' || url.password !== '') {
    throw new AppError('invalid_request', 'an address with a user name or a password is not fetched');
  }
  return url;
}

/** Addresses that are no names are never looked up, so that they are checked here. */
function checkUrl(url: URL, isAllowed: (address: string) => boolean): void {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !isAllowed(host)) throw forbidden();
}

function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

/** Errors of the body, which undici throws, in our words. */
function translated(body: Readable, signal: AbortSignal): ReadableStream<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const { done, value } = await chunks.next();
          if (done === true) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          throw unreachable(error, signal);
        }
      },
      cancel: () => void body.destroy(),
    },
    { highWaterMark: 0 },
  );
}

function forbidden(): AppError {
  return new AppError('url_forbidden', 'addresses inside of private networks are not fetched from');
}

function lasting(message: string): AppError {
  return new AppError('url_unreachable', message, { cause: new LastingFailure(message) });
}

function unreachable(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return new AppError('aborted', 'given up', { cause: signal.reason });
  if (error instanceof AppError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const meaning = MEANINGS[code] ?? 'the connection broke off';
  return new AppError('url_unreachable', `the file could not be fetched: ${meaning}`, { cause: error });
}

const MEANINGS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name of the host cannot be resolved just now',
  ECONNREFUSED: 'the host refuses the connection',
  UND_ERR_CONNECT_TIMEOUT: 'the host does not answer',
  UND_ERR_HEADERS_TIMEOUT: 'the host does not answer',
  UND_ERR_BODY_TIMEOUT: 'nothing arrived for too long',
};
