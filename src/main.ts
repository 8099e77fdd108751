#!/usr/bin/env node
/** The command line. */
import { setFlagsFromString } from 'node:v8';
import type { Role } from './app.ts';
import { isAppError } from './errors.ts';

const USAGE = `usage: sluice <command>

  serve    plays what lies in SLUICE_LIBRARY (./assets), at http://SLUICE_HOST:SLUICE_PORT (127.0.0.1:8080);
           with --no-encode it leaves encoding to other processes
  worker   encodes for servers that share its DATABASE_URL

Settings come from the environment: see README.md.
`;

/**
 * Bytes on their way in are garbage at once, and are given back when young objects are collected: that must be after
 * every few megabytes, not after a hundred. See docs/decisions/040-memory-of-uploads.md.
 */
function boundYoungObjects(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** Starts a process that runs until it is told to stop. */
async function run(role: Role): Promise<void> {
  boundYoungObjects();
  // Only now: with what they load, the space for young objects has grown already.
  const { startApp } = await import('./app.ts');
  const { readConfig } = await import('./config.ts');
  const app = await startApp(readConfig(process.env), role);
  process.stdout.write(app.url === undefined ? 'Sluice works\n' : `Sluice is ready: ${app.url}\n`);
  let isStopping = false;
  // More than one may come: from the terminal, and once more from whoever started us.
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    setTimeout(() => process.exit(1), app.stopMs).unref();
    void app.close().then(() => process.exit(0));
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop);
}

const ROLES: Readonly<Record<string, Role>> = {
  serve: { serves: true, encodes: true },
  'serve --no-encode': { serves: true, encodes: false },
  worker: { serves: false, encodes: true },
};

async function main(args: readonly string[]): Promise<void> {
  const role = ROLES[args.join(' ')];
  if (role !== undefined) return run(role);
  const [command] = args;
  process.stderr.write(USAGE);
  process.exitCode = command === undefined || command === 'help' || command === '--help' ? 0 : 2;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  // Errors on purpose are one clear line; anything else is a fault of ours and wants its stack.
  process.stderr.write(
    isAppError(error) ? `sluice: ${error.message}\n` : `${String((error as Error).stack)}\n`,
  );
  process.exit(1);
}
