/** A small proxy in front of an HTTP server: it counts requests, delays them, and breaks those that it is told to break. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What happens to a request instead of being answered well. */
export type Fault =
  /** `500`, without asking the server. */
  | 'error'
  /** The connection is reset, without asking the server. */
  | 'reset'
  /** The answer is cut off in its middle. */
  | 'cut'
  /** The server does what was asked, and nobody hears of it. */
  | 'lost'
  /** No answer, until the client gives up. */
  | 'stall';

export type SeenRequest = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** The `Range` header field. */
  readonly range?: string | undefined;
  /** `performance.now()` */
  readonly at: number;
};

/** Disposing closes it and every connection through it. */
export type FaultyProxy = AsyncDisposable & {
  readonly endpoint: string;
  /** Every request so far. */
  readonly seen: readonly SeenRequest[];
  /** Asked for each request. */
  fault: (request: SeenRequest) => Fault | undefined;
  /** How far away the server seems: each request gets there so much later. */
  delayMs: number;
};

/** Starts one in front of `target`, an http address. */
export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const seen: SeenRequest[] = [];
  const server = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url ?? '/', target);
    const { method = '', headers } = incoming;
    const at = performance.now();
    const asked = { method, path: url.pathname, query: url.searchParams, range: headers.range, at };
    seen.push(asked);
    const onward = (): void => answer(target, incoming, outgoing, proxy.fault(asked));
    if (proxy.delayMs === 0) onward();
    else setTimeout(onward, proxy.delayMs);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: FaultyProxy = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    fault: () => undefined,
    delayMs: 0,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

function answer(
  target: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  fault: Fault | undefined,
): void {
  if (fault === 'reset') return void incoming.socket.resetAndDestroy();
  if (fault === 'stall') return void incoming.resume();
  if (fault === 'error') {
    incoming.resume();
    return void outgoing.writeHead(500).end();
  }
  const { port, hostname } = new URL(target);
  const { method, url: path, headers } = incoming;
  const onward = request({ hostname, port, method, path, headers }, (answered) => {
    if (fault === 'lost') return void incoming.socket.destroy();
    outgoing.writeHead(answered.statusCode ?? 502, answered.headers);
    if (fault !== 'cut') return void answered.pipe(outgoing);
    answered.once('end', () => incoming.socket.destroy());
    answered.once('data', (chunk: Buffer) => {
      outgoing.write(chunk.subarray(0, Math.ceil(chunk.length / 2)), () => incoming.socket.resetAndDestroy());
    });
  });
  onward.on('error', () => incoming.socket.destroy());
  outgoing.on('close', () => onward.destroy());
  incoming.pipe(onward);
}
