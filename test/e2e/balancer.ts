/** What stands in front of several servers: each request goes to the next one. */
import { createServer, request as httpRequest, type ServerResponse } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Listens on loopback, in this process. A request that breaks off on one side is broken off on the other. */
export async function startBalancer(servers: readonly string[]): Promise<AsyncDisposable & { url: string }> {
  let turn = 0;
  const pass = (request: IncomingMessage, response: ServerResponse): void => {
    const target = servers[turn++ % servers.length]!;
    const { method = 'GET', url = '/', rawHeaders: headers } = request;
    const { hostname, port } = new URL(target);
    const onward = httpRequest({ hostname, port, path: url, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(response);
      answer.once('close', () => answer.complete || response.destroy());
    });
    // A server that has answered may end the connection before it has heard everything.
    onward.on('error', () => response.headersSent || response.destroy());
    response.once('close', () => onward.destroy());
    request.once('error', () => {});
    request.pipe(onward);
  };
  const server = createServer({ requestTimeout: 0 }, pass);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
