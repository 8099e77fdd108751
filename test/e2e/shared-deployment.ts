/**
 * What `npm run test:shared` changes: every server of the tests is two that take turns with requests, and a worker that
 * encodes for both. Catalog and jobs are in PostgreSQL, objects in a bucket. What viewers and uploaders see is to be the
 * same.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after } from 'node:test';
import { Client } from 'pg';
import { postgres } from '../fixtures/postgres.ts';
import { s3ServerSkip } from '../storage/s3-server.ts';
import { type Backing, type Environment, startBacking } from './several-processes.ts';

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
let backing: Promise<Backing> | undefined;

/** More settings for a server on the folder `data`. Nothing, but for `npm run test:shared`. */
export function deploymentOf(data: string): Promise<Environment> {
  if (!isShared) return Promise.resolve({});
  const environment = environments.get(data) ?? newEnvironment();
  environments.set(data, environment);
  return environment;
}

/** The folder in which each object of the servers on `data` is a file, under its key. */
export async function objectsFolder(data: string): Promise<string> {
  if (!isShared) return data;
  const { SLUICE_STORE: store = '' } = await deploymentOf(data);
  return join((await backing!).bucketsFolder, new URL(store).hostname);
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

async function newEnvironment(): Promise<Environment> {
  backing ??= startBacking().then((servers) => started.use(servers));
  return (await backing).newEnvironment();
}
