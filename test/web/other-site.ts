/** Somebody else's site, with the player on a page of theirs. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { glob } from 'node:fs/promises';
import { builtPages } from './made-once.ts';
import { sendPage } from './send-file.ts';

/** Serves one page, at another origin than any other server, with a `<sluice-player>` of these attributes. */
export async function startOtherSite(attributes: string) {
  const dist = await builtPages();
  const [element] = await Array.fromAsync(glob('assets/element-*.js', { cwd: dist }));
  const html =
    `<!doctype html><script type="module" src="/${element}"></script>` +
    `<div style="width: 640px"><sluice-player ${attributes}></sluice-player></div>`;
  const server = createServer((request, response) => {
    if (request.url === '/') {
      response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(html);
      return;
    }
    sendPage(response, dist, request.url ?? '').catch(() => response.writeHead(404).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
