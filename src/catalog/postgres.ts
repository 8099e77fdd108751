/** The catalog in PostgreSQL, shared by any number of servers and workers. */
import { Kysely, PostgresDialect } from 'kysely';
import { isUniqueViolation } from '../postgres/errors.ts';
import { forKysely, openPool } from '../postgres/pool.ts';
import type { Catalog } from './catalog.ts';
import { migrateToLatest } from './migrate.ts';
import type { Schema } from './schema.ts';
import { sqlCatalog } from './sql-catalog.ts';

/** Where the catalog is kept. */
export type PostgresOptions = {
  /** `postgres://...`. The tables are made where they are missing. */
  readonly url: string;
  /** The clock for `updatedAt`. */
  readonly now: () => Date;
  /** Connections at a time. */
  readonly poolSize: number;
  /** A connection was lost; new ones are made as they are needed. */
  readonly onError: (error: unknown) => void;
};

/**
 * Opens the catalog, and brings its schema up to date: of several processes that start at once, one does. Throws
 * `config_invalid` where the database refuses us or was written by a newer Sluice, `unavailable` where it does not
 * answer. It may go away and come back later: until then everything throws `unavailable`.
 */
export async function openPostgresCatalog(options: PostgresOptions): Promise<Catalog> {
  await migrate(options.url);
  const pool = openPool({ url: options.url, size: options.poolSize, onError: options.onError });
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: forKysely(pool) }) });
  return sqlCatalog(db, { now: options.now, isUniqueViolation });
}

/** All pending migrations or none, in one transaction; Kysely holds an advisory lock meanwhile. */
async function migrate(url: string): Promise<void> {
  const pool = openPool({ url, size: 1, isPatient: true });
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: forKysely(pool) }) });
  try {
    await migrateToLatest(db);
  } finally {
    await db.destroy();
  }
}
