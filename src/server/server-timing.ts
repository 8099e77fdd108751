import type { FastifyInstance } from 'fastify';

/** Says in `Server-Timing` how long making the answer took, for routes of `app` that are not hijacked. */
export function addServerTiming(app: FastifyInstance): void {
  app.addHook('onSend', async (_request, reply) => {
    reply.header('Server-Timing', `total;dur=${reply.elapsedTime.toFixed(1)}`);
  });
}
