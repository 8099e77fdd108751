/**
 * What `npm run test:shared` changes: every server of the tests keeps its catalog and its jobs in PostgreSQL, and its
 * objects in a bucket. What its viewers and uploaders see is to be the same.
 */
import { after } from 'node:test';
import { postgres, startPostgres } from '../fixtures/postgres.ts';
import { s3ServerSkip, startS3Server } from '../storage/s3-server.ts';

type Environment = Readonly<Record<string, string>>;

const isShared = process.env['SLUICE_TEST_DEPLOYMENT'] === 'shared';
const started = new AsyncDisposableStack();
if (isShared) {
  const missing = postgres.skip || s3ServerSkip();
  if (missing !== false) throw new Error(missing);
  after(() => started.disposeAsync());
}

/** Of each folder for data, what its servers are to share: a test may start several on one. */
const environments = new Map<string, Promise<Environment>>();
let servers: ReturnType<typeof startServers> | undefined;

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
