/** One process of Sluice as a child, as people run it. Always ended with the test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** A worker without a port has no address. */
const READY = /Sluice (?:is ready|works)(?:: (http:\S+))?\n/;
/** Far more than it ever takes, on a machine that is busy with other tests. */
const START_MS = 60_000;

/** What a process needs to be Sluice. */
export type Folders = { readonly library: string; readonly data: string };

/** How else than `sluice serve`, as the user of the tests. */
export type ServerOptions = {
  /** The number of a system user. */
  readonly user?: number;
  /** What follows `sluice`. */
  readonly command?: readonly string[];
  /** A program that runs it: `['taskset', '-c', '0']` holds it to one core. */
  readonly under?: readonly string[];
};

export type ServerProcess = AsyncDisposable & {
  /** Empty for a worker. */
  readonly url: string;
  /** Of the one that answers, or of one of them. */
  readonly pid: number;
  /** Of each of its processes but for their children. */
  readonly pids: readonly number[];
  /** Everything that it has written so far, log lines included. */
  log(): string;
  /** Resolves with the exit code, or null after a signal that ended it. */
  stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
};

/** Starts it and waits until it is ready. Nothing is encoded that nobody asks for. */
export async function startProcess(
  folders: Folders,
  environment: Readonly<Record<string, string>>,
  { user, command = ['serve'], under = [] }: ServerOptions,
): Promise<ServerProcess> {
  const [program, ...args] = [...under, process.execPath, 'src/main.ts', ...command];
  const child = spawn(program!, args, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(user === undefined ? {} : { uid: user }),
    env: {
      PATH: process.env['PATH'],
      SLUICE_LIBRARY: folders.library,
      SLUICE_DATA: folders.data,
      SLUICE_PORT: '0',
      SLUICE_ENCODE: 'on-demand',
      ...environment,
    },
  });
  // A test run that is interrupted leaves nothing behind.
  const killWithTests = (): void => void child.kill('SIGKILL');
  process.once('exit', killWithTests);
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => {
      process.off('exit', killWithTests);
      resolve(code);
    });
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  return {
    url: await readiness(child, () => output),
    pid: child.pid!,
    pids: [child.pid!],
    log: () => output,
    stop: (signal) => {
      child.kill(signal);
      return exited;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

function readiness(child: ChildProcess, output: () => string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const fail = (): void => {
    clearTimeout(timer);
    child.kill('SIGKILL');
    reject(new Error(`the server did not get ready:\n${output()}`));
  };
  const timer = setTimeout(fail, START_MS);
  child.once('exit', fail);
  child.once('error', fail);
  child.stdout?.on('data', () => {
    const found = READY.exec(output());
    if (found === null) return;
    clearTimeout(timer);
    child.off('exit', fail);
    resolve(found[1] ?? '');
  });
  return promise;
}
