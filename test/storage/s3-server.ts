/**
 * A real S3 server on this machine, Versity's gateway, with a folder behind it. It is built with Go, once into
 * `.cache/`: some time where Go has built nothing before. Without Go, the tests that need it are skipped,
 * and one line says so; under `CI=true` that is an error.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { BucketSettings } from '../../src/storage/bucket.ts';
import { freePort } from '../free-port.ts';
import { findOnPath } from '../tools.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Every bucket of a started server. */
export type S3Server = AsyncDisposable & {
  /** `http://127.0.0.1:{port}`: the same after `stop` and `start`. */
  readonly endpoint: string;
  /** Makes an empty bucket; the answer is what a store needs to know. */
  bucket(name?: string): Promise<BucketSettings>;
  /** In it, each folder is a bucket, and each file an object. */
  readonly folder: string;
  /** Kills it; what is stored stays. */
  stop(): Promise<void>;
  start(): Promise<void>;
};

const SOURCES = fileURLToPath(new URL('./s3-server', import.meta.url));
const CACHE = fileURLToPath(new URL('../../.cache', import.meta.url));
const CREDENTIALS = { accessKeyId: 'sluice-test', secretAccessKey: 'secret-of-the-tests' };
const START_MS = 30_000;

/** `false`, or why tests are skipped. Builds the server where that has not been done. */
export function s3ServerSkip(): false | string {
  if (existsSync(programPath()) || build()) return false;
  const message = 'SKIPPED: no S3 server to test with; install Go (https://go.dev/dl), which builds one';
  if (process.env['CI'] === 'true') throw new Error(message);
  console.error(message);
  return message;
}

/** Starts an S3 server without buckets in a folder of its own. Disposing the answer ends it and removes everything. */
export async function startS3Server(): Promise<S3Server> {
  const missing = s3ServerSkip();
  if (missing !== false) throw new Error(missing);
  const folder = await temporaryFolder();
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  let buckets = 0;
  const stop = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  const start = async (): Promise<void> => {
    child = spawn(programPath(), [`127.0.0.1:${port}`, folder.path], {
      stdio: ['pipe', 'ignore', 'inherit'],
      env: { ROOT_ACCESS_KEY: CREDENTIALS.accessKeyId, ROOT_SECRET_KEY: CREDENTIALS.secretAccessKey },
    });
    await answers(endpoint, child);
  };
  await start();
  return {
    endpoint,
    folder: folder.path,
    async bucket(name = `bucket-${++buckets}`) {
      await mkdir(join(folder.path, name));
      return {
        endpoint,
        region: 'us-east-1',
        bucket: name,
        prefix: '',
        isPathStyle: true,
        credentials: CREDENTIALS,
      };
    },
    stop,
    start,
    async [Symbol.asyncDispose]() {
      await stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function answers(endpoint: string, child: ChildProcess): Promise<void> {
  const until = Date.now() + START_MS;
  while (child.exitCode === null && Date.now() < until) {
    const answer = await fetch(endpoint).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer !== undefined) return;
    await sleep(20);
  }
  throw new Error('the S3 server did not start');
}

/** Another version of the sources has another name. */
function programPath(): string {
  const hash = createHash('sha256');
  for (const name of ['main.go', 'go.sum']) hash.update(readFileSync(join(SOURCES, name)));
  return join(CACHE, `s3-server-${hash.digest('hex').slice(0, 12)}`);
}

function build(): boolean {
  const go = findOnPath(['go']);
  if (go === undefined) return false;
  mkdirSync(CACHE, { recursive: true });
  const program = programPath();
  // Not optimizing the clients of cloud services in it, of which nothing runs, saves a tenth of the time.
  const command = `test -x "$2" || { "$1" build -ldflags '-s -w' -gcflags 'github.com/aws/...=-N -l' -o "$2.$$" . && mv "$2.$$" "$2"; }`;
  // Test files run as parallel processes: one builds, the others wait.
  const flock = findOnPath(['flock']);
  const lock = flock === undefined ? [] : [flock, join(CACHE, 's3-server.lock')];
  const [file, ...rest] = [...lock, 'sh', '-c', command, 'sh', go, program];
  const started = Date.now();
  try {
    execFileSync(file!, rest, {
      cwd: SOURCES,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly' },
    });
  } catch {
    return false;
  }
  console.error(`built the S3 server of the tests in ${Math.round((Date.now() - started) / 1000)} s`);
  return true;
}
