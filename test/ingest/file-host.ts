/** A web server of files, with every bad habit that such servers have. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type FileHost = AsyncDisposable & {
  readonly origin: string;
  readonly port: number;
  /** The requests so far: `range` as it was sent. */
  readonly requests: readonly { readonly path: string; readonly range: string | undefined }[];
};

export type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** Answers `path` with `answers[path]`; `count` is of the requests for this path so far, from 0. */
export async function startFileHost(answers: Readonly<Record<string, Answer>>): Promise<FileHost> {
  const requests: { path: string; range: string | undefined }[] = [];
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    const count = requests.filter((other) => other.path === path).length;
    requests.push({ path, range: request.headers.range });
    const answer = answers[path];
    if (answer !== undefined) return answer(request, response, count);
    response.writeHead(404);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    requests,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Serves `bytes` with ranges; a request whose count is below `breaks` breaks off after `eachBytes`. */
export function fileAnswer(
  bytes: Uint8Array,
  { etag = '"one"', breaks = 0, eachBytes = 0 }: { etag?: string; breaks?: number; eachBytes?: number } = {},
): Answer {
  return (request, response, count) => {
    const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
    const isSame = request.headers['if-range'] === etag;
    const start = asked !== undefined && isSame ? Number(asked) : 0;
    response.writeHead(start > 0 ? 206 : 200, {
      etag,
      'content-type': 'video/mp4',
      'content-length': bytes.length - start,
      ...(start > 0 ? { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {}),
    });
    if (count >= breaks) return void response.end(bytes.subarray(start));
    response.write(bytes.subarray(start, start + eachBytes), () => {
      setTimeout(() => response.destroy(), 50);
    });
  };
}

/** Sends the client elsewhere. */
export function redirectAnswer(to: string | ((count: number) => string)): Answer {
  return (_request, response, count) => {
    response.writeHead(302, { location: typeof to === 'string' ? to : to(count) });
    response.end();
  };
}
