/** Whether the process lives, and whether it can do its work. */
import type { FastifyInstance } from 'fastify';
import type { HealthService } from '../pipeline/services.ts';

/** Adds `GET /healthz` (200 while the process answers at all) and `GET /readyz` (503 until everything behind it answers). */
export function addHealth(app: FastifyInstance, health: HealthService): void {
  const schema = { hide: true };

  app.get('/healthz', { schema }, async (_request, reply) =>
    reply.header('Cache-Control', 'no-store').send({ status: 'alive' }),
  );

  app.get('/readyz', { schema }, async (_request, reply) => {
    await health.ready();
    return reply.header('Cache-Control', 'no-store').send({ status: 'ready' });
  });
}
