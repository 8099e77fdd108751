/** What is asked of a worker from outside: by whatever starts it again when it hangs, and by Prometheus. */
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { AppError } from '../errors.ts';
import { createWorkerServer } from '../server/worker-server.ts';
import type { Core } from './core.ts';
import type { Deployment } from './deployment.ts';
import { listen } from '../server/listen.ts';

/** A worker that answers. */
export type Reporting = AsyncDisposable & { readonly url: string };

/** Answers from now on; undefined where no port is set. Not ready once `signal` has fired. */
export async function startReporting(
  { host, workerPort }: Config,
  { catalog }: Deployment,
  core: Core,
  logger: Logger,
  signal: AbortSignal,
): Promise<Reporting | undefined> {
  if (workerPort === undefined) return undefined;
  const ready = async (): Promise<void> => {
    if (signal.aborted) throw new AppError('unavailable', 'the worker is stopping');
    await catalog.ping();
  };
  const server = createWorkerServer({ ready }, core.registry, logger);
  const url = await listen(server, host, workerPort);
  return { url, [Symbol.asyncDispose]: () => server.close() };
}
