/** One line for each request. */
import type { FastifyInstance } from 'fastify';
import { pathOf } from './problems.ts';

/** Logs method, path (never the query: it may hold a token), status and time when an answer is over. */
export function addRequestLog(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    const startedAt = performance.now();
    reply.raw.once('close', () => {
      const path = pathOf(request.raw.url);
      const isComplete = reply.raw.writableFinished;
      const fields = {
        method: request.method,
        path,
        status: reply.raw.statusCode,
        milliseconds: Math.round(performance.now() - startedAt),
        // Absent in the usual case, so that searching for it finds the others.
        ...(isComplete ? {} : { isClientGone: true }),
      };
      request.log[levelOf(path, fields.status)](fields, 'request');
    });
  });
}

/** A viewer makes a request every few seconds and a probe too: those are for debugging. */
function levelOf(path: string, status: number): 'debug' | 'info' | 'warn' {
  if (status >= 500) return 'warn';
  return /^\/(v\/|assets\/|healthz$|readyz$|metrics$)/.test(path) ? 'debug' : 'info';
}
