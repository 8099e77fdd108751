/** The origin: everything that players fetch, below `/v/{id}/`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { parseVideoId } from '../catalog/video.ts';
import { isRedirect } from '../pipeline/resource.ts';
import type { PlaybackService } from '../pipeline/services.ts';
import { clientGoneSignal } from './client-gone.ts';
import { contentDisposition } from './content-disposition.ts';
import type { ServerMetrics } from './metrics.ts';
import { PLAYBACK_HEADERS, PREFLIGHT_HEADERS } from './playback-headers.ts';
import { decodePlaybackPath } from './playback-path.ts';
import { readOf, sendHead, sendResource } from './send-resource.ts';

/** Adds `GET`, `HEAD` and `OPTIONS` of `/v/:id/*`. */
export function addPlayback(app: FastifyInstance, playback: PlaybackService, metrics: ServerMetrics): void {
  const schema = { hide: true };

  app.options('/v/:id/*', { schema }, async (_request, reply) =>
    reply
      .code(204)
      .headers({ ...PLAYBACK_HEADERS, ...PREFLIGHT_HEADERS })
      .send(),
  );

  app.route({ method: ['GET', 'HEAD'], url: '/v/:id/*', schema, handler: answer });

  async function answer(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const signal = clientGoneSignal(reply.raw);
    const id = parseVideoId((request.params as { id: string }).id);
    const path = decodePlaybackPath(request.raw.url);

    const startedAt = performance.now();
    const found = await playback.resolve(id, path, signal, readOf(request));
    const milliseconds = performance.now() - startedAt;
    metrics.observeResolve(milliseconds);

    const headers = { ...PLAYBACK_HEADERS, 'Server-Timing': `resolve;dur=${milliseconds.toFixed(1)}` };
    if (isRedirect(found)) {
      const { redirectTo, validForSeconds } = found;
      // Where a thing lies may change with its revision: the way there is looked up each time, unless it is known better.
      const caching = validForSeconds === undefined ? 'no-cache' : `public, max-age=${validForSeconds}`;
      const redirect = { Location: redirectTo, 'Cache-Control': caching, 'Content-Length': 0 };
      return sendHead(reply, 307, { ...headers, ...redirect });
    }
    if (found.fileName === undefined) return sendResource(request, reply, found, signal, headers);
    const { download } = request.query as { readonly download?: unknown };
    const disposition = contentDisposition(download === undefined ? 'inline' : 'attachment', found.fileName);
    return sendResource(request, reply, found, signal, { ...headers, 'Content-Disposition': disposition });
  }
}
