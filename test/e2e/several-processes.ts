/** A Sluice of two servers and a worker, with a PostgreSQL and a bucket of their own. */
import { startPostgres } from '../fixtures/postgres.ts';
import { startS3Server } from '../storage/s3-server.ts';
import { startBalancer } from './balancer.ts';
import { type Folders, type ServerOptions, type ServerProcess, startProcess } from './server-process.ts';

/** Settings of a server or a worker. */
export type Environment = Readonly<Record<string, string>>;

/** What processes share. */
export type Backing = AsyncDisposable & {
  /** In it, each folder is a bucket, and each file an object. */
  readonly bucketsFolder: string;
  /** Settings for processes that share a new database and a new bucket. */
  newEnvironment(): Promise<Environment>;
};

/** Starts a PostgreSQL and an S3 server, for any number of Sluices. */
export async function startBacking(): Promise<Backing> {
  await using opened = new AsyncDisposableStack();
  const database = opened.use(await startPostgres());
  const s3 = opened.use(await startS3Server());
  const all = opened.move();
  return {
    bucketsFolder: s3.folder,
    async newEnvironment() {
      const { bucket, credentials } = await s3.bucket();
      return {
        DATABASE_URL: await database.createDatabase(),
        SLUICE_STORE: `s3://${bucket}`,
        AWS_ENDPOINT_URL_S3: s3.endpoint,
        AWS_ACCESS_KEY_ID: credentials!.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials!.secretAccessKey,
      };
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Two servers behind one address, and a worker. */
export async function startProcesses(
  folders: Folders,
  environment: Environment,
  options: Omit<ServerOptions, 'command'> = {},
): Promise<ServerProcess> {
  await using opened = new AsyncDisposableStack();
  const commands = [['serve', '--no-encode'], ['serve', '--no-encode'], ['worker']];
  const starting = commands.map((command) => startProcess(folders, environment, { ...options, command }));
  for (const start of await Promise.allSettled(starting)) if ('value' in start) opened.use(start.value);
  const processes = await Promise.all(starting);
  const balancer = opened.use(await startBalancer(processes.slice(0, 2).map(({ url }) => url)));
  const all = opened.move();
  return {
    url: balancer.url,
    pid: processes[0]!.pid,
    pids: processes.flatMap(({ pids }) => pids),
    log: () => processes.map(({ log }) => log()).join(''),
    async stop(signal) {
      const codes = await Promise.all(processes.map((each) => each.stop(signal)));
      return codes.find((code) => code !== 0) ?? codes[0]!;
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
