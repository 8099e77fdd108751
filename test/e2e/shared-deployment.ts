/**
 * What `npm run test:shared` changes: every server of the tests is two that take turns with requests, and a worker that
 * encodes for both. Catalog and jobs are in PostgreSQL, objects in a bucket. What viewers and uploaders see is to be the
 * same.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after } from 'node:test';
import { Client } from 'pg';
import { postgres, startPostgres } from '../fixtures/postgres.ts';
import { s3ServerSkip, startS3Server } from '../storage/s3-server.ts';
import { startBalancer } from './balancer.ts';
import { type Folders, type ServerOptions, type ServerProcess, startProcess } from './server-process.ts';

type Environment = Readonly<Record<string, string>>;

/** Whether the tests run that way. */
export const isShared = process.env['SLUICE_TEST_DEPLOYMENT'] === 'shared';
const started = new AsyncDisposableStack();
if (isShared) {
  const missing = postgres.skip || s3ServerSkip();
  if (missing !== false) throw new Error(missing);
  after(() => started.disposeAsync());
}

/** Of each folder for data, what its servers are to share: a test may start several on one. */
const environments = new Map<string, Promise<Environment>>();
let servers: ReturnType<typeof startServers> | undefined;

/** The folder in which each object of the servers on `data` is a file, under its key. */
export async function objectsFolder(data: string): Promise<string> {
  if (!isShared) return data;
  const { SLUICE_STORE: store = '' } = await deploymentOf(data);
  return join((await servers!).s3.folder, new URL(store).hostname);
}

/** How many rows a table of the catalog has. */
export async function countRows(data: string, table: string): Promise<number> {
  const text = `select count(*) as count from ${table}`;
  const { DATABASE_URL: connectionString } = await deploymentOf(data);
  if (connectionString === undefined) {
    const catalog = new DatabaseSync(join(data, 'catalog.sqlite'), { readOnly: true });
    try {
      return Number(catalog.prepare(text).get()!['count']);
    } finally {
      catalog.close();
    }
  }
  const client = new Client({ connectionString });
  await client.connect();
  const { rows } = await client.query<{ count: string }>(text);
  await client.end();
  return Number(rows[0]!.count);
}

/** Two servers behind one address, and a worker. */
export async function startProcesses(
  folders: Folders,
  environment: Environment,
  options: ServerOptions,
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

/** More settings for a server on the folder `data`. Nothing, but for `npm run test:shared`. */
export function deploymentOf(data: string): Promise<Environment> {
  if (!isShared) return Promise.resolve({});
  const environment = environments.get(data) ?? newEnvironment();
  environments.set(data, environment);
  return environment;
}

async function startServers() {
  const [database, s3] = await Promise.all([startPostgres(), startS3Server()]);
  started.use(database);
  started.use(s3);
  return { database, s3 };
}

async function newEnvironment(): Promise<Environment> {
  const { database, s3 } = await (servers ??= startServers());
  const { bucket, credentials } = await s3.bucket();
  return {
    DATABASE_URL: await database.createDatabase(),
    SLUICE_STORE: `s3://${bucket}`,
    AWS_ENDPOINT_URL_S3: s3.endpoint,
    AWS_ACCESS_KEY_ID: credentials!.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials!.secretAccessKey,
  };
}
