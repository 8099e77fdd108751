#!/usr/bin/env node
/** The command line. */
import { setFlagsFromString } from 'node:v8';
import type { Role } from './app.ts';
import { isAppError } from './errors.ts';
import type { Command } from './main/command.ts';

const USAGE = `usage: sluice <command>

  serve     plays what lies in SLUICE_LIBRARY (./assets), at http://SLUICE_HOST:SLUICE_PORT (127.0.0.1:8080);
            with --no-encode it leaves encoding to other processes
  worker    encodes for servers that share its DATABASE_URL
  import <file or folder>...
            adds files as uploads; a running server begins with them at once, any other when it starts
  export <video id> --to <folder or s3://bucket/prefix> [--formats hls,dash]
            writes what a plain web server needs to play a video; encodes what is missing, goes on after a break
  doctor    checks what a server needs, one line each

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
  const what = role.serves ? 'Sluice is ready' : 'Sluice works';
  process.stdout.write(app.url === undefined ? `${what}\n` : `${what}: ${app.url}\n`);
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

/** Loaded when they are needed: each brings half of the program with it. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  doctor: async () => (await import('./main/doctor.ts')).runDoctor,
  export: async () => (await import('./main/export.ts')).runExport,
  import: async () => (await import('./main/import.ts')).runImport,
};

/** Something that ends by itself, or when it is told to. */
async function runOnce(load: () => Promise<Command>, args: readonly string[]): Promise<void> {
  const stopping = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.abort());
  const { readConfig } = await import('./config.ts');
  const command = await load();
  const environment = process.env;
  await command(args, { config: readConfig(environment), environment, signal: stopping.signal });
}

async function main(args: readonly string[]): Promise<void> {
  const role = ROLES[args.join(' ')];
  if (role !== undefined) return run(role);
  const [command, ...others] = args;
  const isHelp = command === undefined || command === 'help' || args.includes('--help');
  const load = command === undefined ? undefined : COMMANDS[command];
  if (load !== undefined && !isHelp) return runOnce(load, others);
  (isHelp ? process.stdout : process.stderr).write(USAGE);
  process.exitCode = isHelp ? 0 : 2;
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
