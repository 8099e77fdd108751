/** The pages as they are in this folder, in front of a real server, on a line that a test can cut. */
import { createServer, type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sendPage } from './send-file.ts';

export type Proxy = Awaited<ReturnType<typeof startProxy>>;

/** Serves `dist`; what is not a page goes to `upstream` as it came. */
export async function startProxy(dist: string, upstream: string) {
  const sending = new Set<IncomingMessage>();

  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    if (/^\/(api|v)\//.test(path)) return pass(request, response);
    sendPage(response, dist, new URL(path, upstream).pathname).catch(() => response.writeHead(404).end());
  });

  function pass(request: IncomingMessage, response: ServerResponse): void {
    if (request.method === 'PATCH') sending.add(request);
    const { method = 'GET', headers } = request;
    const onward = httpRequest(upstream + request.url, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.once('close', () => {
      sending.delete(request);
      onward.destroy();
    });
    request.pipe(onward);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    /** Ends every connection that bytes of an upload come in on. */
    cutUploads() {
      for (const request of sending) request.socket.destroy();
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
