/** Where a process keeps what it remembers, and how it speaks with others of the same Sluice: alone, or one of several. */
import { join } from 'node:path';
import type { Catalog } from '../catalog/catalog.ts';
import { openPostgresCatalog } from '../catalog/postgres.ts';
import { openSqliteCatalog } from '../catalog/sqlite.ts';
import { type Broadcast, embeddedBroadcast } from '../cluster/broadcast.ts';
import { embeddedLeases, type Leases } from '../cluster/leases.ts';
import { openPostgresBroadcast } from '../cluster/postgres-broadcast.ts';
import { PostgresLeases } from '../cluster/postgres-leases.ts';
import type { Config } from '../config.ts';
import { EmbeddedJobQueue } from '../jobs/embedded.ts';
import type { JobQueue } from '../jobs/job-queue.ts';
import { openPgBossJobQueue } from '../jobs/pg-boss.ts';
import type { Log } from '../pipeline/log.ts';
import { openPool } from '../postgres/pool.ts';

/** What differs between a Sluice of one process and one of several. */
export type Deployment = {
  /** Others may be doing the same at the same time. */
  readonly isShared: boolean;
  readonly catalog: Catalog;
  readonly jobs: JobQueue;
  readonly broadcast: Broadcast;
  readonly leases: Leases;
  /** After everything that uses it has ended. */
  close(): Promise<void>;
};

/**
 * Connections to PostgreSQL of one process, besides one that listens and one that holds leases: statements are short,
 * and its server has a hundred for all.
 */
const CATALOG_POOL_SIZE = 8;
const JOBS_POOL_SIZE = 4;

/** Opens what the configuration asks for. Throws `config_invalid` and `unavailable`. */
export function openDeployment(config: Config, log: Log): Promise<Deployment> {
  return config.databaseUrl === undefined ? openAlone(config, log) : openShared(config.databaseUrl, log);
}

async function openAlone(config: Config, log: Log): Promise<Deployment> {
  const catalog = await openSqliteCatalog({ file: join(config.dataFolder, 'catalog.sqlite'), now });
  return {
    isShared: false,
    catalog,
    jobs: new EmbeddedJobQueue({
      onError: (job, err) => log.error({ err, job: job.key }, 'a job could not be given up'),
    }),
    broadcast: embeddedBroadcast(),
    leases: embeddedLeases(),
    close: () => catalog.close(),
  };
}

async function openShared(url: string, log: Log): Promise<Deployment> {
  const onError = (err: unknown): void => log.warn({ err }, 'the database did not do what it was asked');
  await using opened = new AsyncDisposableStack();
  const catalog = await openPostgresCatalog({ url, now, poolSize: CATALOG_POOL_SIZE, onError });
  opened.defer(() => catalog.close());
  const pool = openPool({ url, size: JOBS_POOL_SIZE, onError });
  opened.defer(() => pool.end());
  const broadcast = opened.use(await openPostgresBroadcast({ pool, url, onError }));
  const leases = opened.use(new PostgresLeases(url));
  const jobs = await openPgBossJobQueue({ pool, broadcast, onError });
  const all = opened.move();
  return { isShared: true, catalog, jobs, broadcast, leases, close: () => all.disposeAsync() };
}

function now(): Date {
  return new Date();
}
