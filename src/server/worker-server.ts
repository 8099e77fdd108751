/** What a worker says of itself: whether it lives, whether it can work, and what it counts. Nothing else is answered. */
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Registry } from 'prom-client';
import { AppError } from '../errors.ts';
import type { HealthService } from '../pipeline/services.ts';
import { addHealth } from './health.ts';
import { watchMethods } from './methods.ts';
import { addMetrics } from './metrics.ts';
import { sendProblem } from './problems.ts';

/** Makes a server with `/healthz`, `/readyz` and `/metrics` that does not listen yet. */
export function createWorkerServer(
  health: HealthService,
  registry: Registry,
  logger: FastifyBaseLogger,
): FastifyInstance {
  const app = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
  });
  app.setErrorHandler((error, request, reply) => sendProblem(request, reply, error));
  app.setNotFoundHandler((request, reply) =>
    sendProblem(request, reply, new AppError('not_found', 'there is nothing at this address')),
  );
  const refuseOtherMethods = watchMethods(app);
  addMetrics(app, registry);
  addHealth(app, health);
  refuseOtherMethods();
  return app;
}
