/** What the server counts, in the registry it is given. */
import type { FastifyInstance } from 'fastify';
import { Histogram, type Registry, collectDefaultMetrics } from 'prom-client';

export type ServerMetrics = {
  /** How long the pipeline took to come up with a playback resource, encoding included. */
  observeResolve(milliseconds: number): void;
};

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Adds process and request metrics to `registry`, and `GET /metrics`. Metrics that others registered show too. */
export function addMetrics(app: FastifyInstance, registry: Registry): ServerMetrics {
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = new Histogram({
    name: 'sluice_http_request_duration_seconds',
    help: 'From the request line to the last byte sent, or to the client going away (status 499).',
    labelNames: ['method', 'route', 'status'],
    buckets: SECONDS,
    registers,
  });
  const resolves = new Histogram({
    name: 'sluice_playback_resolve_duration_seconds',
    help: 'From a playback request to its resource being ready to send, encoding included.',
    buckets: SECONDS,
    registers,
  });

  app.addHook('onRequest', async (request, reply) => {
    const stop = requests.startTimer();
    // Not onResponse: that is never called for a client that went away.
    reply.raw.once('close', () => {
      // The pattern, never the address: labels must stay few.
      const route = request.routeOptions.url ?? 'unmatched';
      const status = reply.raw.writableFinished ? reply.raw.statusCode : 499;
      stop({ method: request.method, route, status });
    });
  });

  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) =>
    reply
      .type(registry.contentType)
      .header('Cache-Control', 'no-store')
      .send(await registry.metrics()),
  );

  return { observeResolve: (milliseconds) => resolves.observe(milliseconds / 1000) };
}
