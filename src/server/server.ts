/** The HTTP server: everything that the outside can reach. */
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { type LevelWithSilent, pino } from 'pino';
import { Registry } from 'prom-client';
import { AppError } from '../errors.ts';
import type { Services } from '../pipeline/services.ts';
import { addVideoCreation } from './add-video.ts';
import { addAccess } from './access.ts';
import { addApi } from './api.ts';
import { addCaptions } from './captions.ts';
import { addDocsPage } from './docs-page.ts';
import { addEvents } from './events.ts';
import { addHealth } from './health.ts';
import { watchMethods } from './methods.ts';
import { addMetrics } from './metrics.ts';
import { addOpenApi } from './openapi.ts';
import { addPages } from './pages.ts';
import { addPlayback } from './playback.ts';
import { addPosters } from './posters.ts';
import { answerBrokenConnection, sendProblem } from './problems.ts';
import { addRequestLog } from './request-log.ts';
import { addUploads } from './uploads.ts';

export type ServerOptions = {
  readonly services: Services;
  readonly settings: ServerSettings;
  /** Without one, lines of JSON on standard output. */
  readonly logger?: FastifyBaseLogger;
  /** Shown at `/metrics` as a whole, so others may register metrics of their own in it. */
  readonly registry?: Registry;
};

export type ServerSettings = {
  /** What absolute addresses start with; without it, what a request was addressed to. */
  readonly publicUrl?: string;
  /** Where viewers may be sent for media; without one, all of it comes from here. */
  readonly mediaOrigin?: string;
  /** What whoever changes something must show; without one, nobody is asked. */
  readonly apiKey?: string;
  readonly logLevel: LevelWithSilent;
  /** The folder of the built pages. */
  readonly webRoot: string | undefined;
  /** Of Sluice, for the API description. */
  readonly version: string;
  /** Whether `X-Forwarded-*` come from a proxy that can be believed. Off unless set. */
  readonly trustProxy?: boolean;
  /** How often streams of events show that they are still there; 15 s unless given. */
  readonly keepAliveMilliseconds?: number;
  /** How long running requests may go on after `close()`. */
  readonly graceMilliseconds?: number;
};

/** Of the request line and all header fields together: longer ones are answered 431. */
const MAX_HEADER_BYTES = 16 * 1024;

/** A client that sends its header fields slower than this is not a viewer. */
const HEADERS_TIMEOUT_MILLISECONDS = 30_000;

/** Long enough for a wait on an encode and for a paused player; then a dead peer's socket is given back. */
const IDLE_TIMEOUT_MILLISECONDS = 600_000;

/** Longer than the usual 60 s of a reverse proxy, so that the proxy is the one to close. */
const KEEP_ALIVE_MILLISECONDS = 75_000;

const DEFAULT_GRACE_MILLISECONDS = 10_000;

/**
 * Makes a server that does not listen yet. `close()` stops listening, lets running requests finish for the
 * grace time, then cuts them off.
 */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const { services, settings } = options;
  const app = Fastify({
    loggerInstance: options.logger ?? (pino({ level: settings.logLevel }) as FastifyBaseLogger),
    // addRequestLog writes its own line: Fastify's holds the query.
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: settings.trustProxy ?? false,
    // No limit on the time a request takes to arrive: an upload may take hours.
    requestTimeout: 0,
    http: { headersTimeout: HEADERS_TIMEOUT_MILLISECONDS, maxHeaderSize: MAX_HEADER_BYTES },
    connectionTimeout: IDLE_TIMEOUT_MILLISECONDS,
    keepAliveTimeout: KEEP_ALIVE_MILLISECONDS,
    // What is too long for an id is no id: 404, like any other.
    routerOptions: { maxParamLength: MAX_HEADER_BYTES },
    // Who still asks while we close gets an answer and `Connection: close`.
    return503OnClosing: false,
    frameworkErrors: (_error, request, reply) => {
      void sendProblem(request, reply, new AppError('invalid_request', 'the address is not valid'));
    },
    clientErrorHandler: answerBrokenConnection,
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler((error, request, reply) => sendProblem(request, reply, error));
  app.setNotFoundHandler((request, reply) =>
    sendProblem(request, reply, new AppError('not_found', 'there is nothing at this address')),
  );
  cutOffAfterGrace(app, settings.graceMilliseconds ?? DEFAULT_GRACE_MILLISECONDS);

  const refuseOtherMethods = watchMethods(app);
  addRequestLog(app);
  addAccess(app, { apiKey: settings.apiKey, publicUrl: settings.publicUrl });
  const metrics = addMetrics(app, options.registry ?? new Registry());
  await addOpenApi(app, settings.version);
  await app.register(async (scope) => addApi(scope, services.videos, settings.publicUrl));
  await app.register(async (scope) => addVideoCreation(scope, services, settings.publicUrl));
  await app.register(async (scope) => addUploads(scope, services.ingest, settings.publicUrl));
  await app.register(async (scope) => addCaptions(scope, services.captions, settings.publicUrl));
  await app.register(async (scope) => addPosters(scope, services, settings.publicUrl));
  addEvents(app, {
    services,
    publicUrl: settings.publicUrl,
    ...(settings.keepAliveMilliseconds === undefined
      ? {}
      : { keepAliveMilliseconds: settings.keepAliveMilliseconds }),
  });
  await addDocsPage(app);
  addPlayback(app, services.playback, metrics);
  addHealth(app, services.health);
  await addPages(app, settings.webRoot, {
    publicUrl: settings.publicUrl,
    mediaOrigin: settings.mediaOrigin,
  });
  refuseOtherMethods();
  return app;
}

function cutOffAfterGrace(app: FastifyInstance, graceMilliseconds: number): void {
  let cutOff: NodeJS.Timeout | undefined;
  // A kept-alive connection counts as running until its answer is out: look again until all are idle.
  let reap: NodeJS.Timeout | undefined;
  app.addHook('preClose', async () => {
    reap = setInterval(() => app.server.closeIdleConnections(), 50);
    cutOff = setTimeout(() => app.server.closeAllConnections(), graceMilliseconds);
  });
  app.addHook('onClose', async () => {
    clearInterval(reap);
    clearTimeout(cutOff);
  });
}
