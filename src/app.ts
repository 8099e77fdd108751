/** The composition root: this file and its folder are all that names concrete adapters. */
import { type LevelWithSilent, pino } from 'pino';
import { openCore } from './app/core.ts';
import { openDeployment } from './app/deployment.ts';
import { startReporting } from './app/reporting.ts';
import { startServing } from './app/serving.ts';
import type { Config } from './config.ts';
import { AppError } from './errors.ts';

/** What a process is for. */
export type Role = {
  /** Takes videos in and serves them. */
  readonly serves: boolean;
  /** Encodes what viewers wait for, and in the background. */
  readonly encodes: boolean;
};

/** A running Sluice, or one of the processes of one. */
export type App = {
  /** Where it listens, with the port that it got; absent for a worker that nobody asks. */
  readonly url?: string;
  /** It may take so long to stop. */
  readonly stopMs: number;
  /** Stops taking requests, lets running ones finish, gives unfinished work to others, ends every child process. */
  close(): Promise<void>;
};

/** A Sluice of one process: everything has ended within five seconds. */
const STOP_ALONE_MS = 4500;
/** One of several: it first waits until nobody sends it anything any more. */
const STOP_SHARED_MS = 15_000;
/** A chunk that is about to be finished is finished before it is given to others. */
const FINISH_MS = 3000;

/** Starts a process. Without a database that others share, it has to do everything itself. */
export async function startApp(config: Config, role: Role): Promise<App> {
  if (config.databaseUrl === undefined && !(role.serves && role.encodes))
    throw new AppError(
      'config_invalid',
      'several processes need a database that they share: set DATABASE_URL',
    );
  const log = pino({ level: config.logLevel as LevelWithSilent });
  const closing = new AbortController();
  const deployment = await openDeployment(config, log);
  const { jobs, isShared } = deployment;
  const core = await openCore(config, deployment, log, closing.signal);
  if (role.encodes) core.startEncoding();
  const parts = [config, deployment, core, log, closing.signal] as const;
  const serving = role.serves ? await startServing(...parts) : undefined;
  const reporting = role.serves ? undefined : await startReporting(...parts);
  const url = (serving ?? reporting)?.url;
  return {
    ...(url === undefined ? {} : { url }),
    stopMs: isShared ? STOP_SHARED_MS : STOP_ALONE_MS,
    close: async () => {
      await serving?.drain();
      closing.abort();
      // Whoever waits for a segment here alone waits in vain; elsewhere, others make it.
      if (!isShared) core.stopEncoding();
      await Promise.all([
        serving?.close(),
        jobs.close(isShared ? FINISH_MS : 0),
        isShared ? undefined : core.close(),
      ]);
      if (isShared) await core.close();
      await reporting?.[Symbol.asyncDispose]();
      await deployment.close();
    },
  };
}
