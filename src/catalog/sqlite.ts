/** The catalog in one SQLite file, for a single machine. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { Kysely, type SqliteDatabase, SqliteDialect } from 'kysely';
import { AppError } from '../errors.ts';
import type { Catalog } from './catalog.ts';
import { migrateToLatest } from './migrate.ts';
import type { Schema } from './schema.ts';
import { sqlCatalog } from './sql-catalog.ts';
import { isBusy, isUniqueViolation, sqliteError } from './sqlite-errors.ts';

/** Where the catalog is kept. */
export type SqliteOptions = {
  /** The database file. It and its folder are made where they are missing. */
  readonly file: string;
  /** The clock for `updatedAt`. */
  readonly now: () => Date;
};

/** How long a statement waits for another process (`sluice import`, a backup) to finish its write. */
const BUSY_TIMEOUT_MS = 5000;
const WAL_RETRY_MS = 20;

/**
 * Opens the catalog, and brings its schema up to date. Throws `config_invalid` where the file is something else or
 * was written by a newer Sluice, `unavailable` where it cannot be opened, `object_store_full` where the disk is full.
 */
export async function openSqliteCatalog(options: SqliteOptions): Promise<Catalog> {
  await mkdir(dirname(options.file), { recursive: true }).catch((error: unknown) => {
    throw new AppError('unavailable', 'the folder of the catalog cannot be made', { cause: error });
  });
  const database = await openDatabase(options.file);
  const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database: forKysely(database) }) });
  try {
    await migrateAlone(database, db);
  } catch (error) {
    database.close();
    throw sqliteError(error);
  }
  return sqlCatalog(db, { now: options.now, isUniqueViolation });
}

async function openDatabase(file: string): Promise<DatabaseSync> {
  const deadline = performance.now() + BUSY_TIMEOUT_MS;
  for (;;) {
    try {
      return openOnce(file);
    } catch (error) {
      // Of several that open a new database at once, SQLite lets one switch to the write-ahead log, and refuses the
      // others at once, whatever the time-out says.
      if (!isBusy(error) || performance.now() > deadline) throw sqliteError(error);
    }
    await setTimeout(WAL_RETRY_MS);
  }
}

function openOnce(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
  try {
    // Readers and the writer do not wait for each other. FULL, for with NORMAL the write-ahead log is not forced
    // to the disk at each commit: a video that was acknowledged could be gone after a power cut.
    database.exec('pragma journal_mode = wal; pragma synchronous = full');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * All pending migrations or none, and one process at a time: for SQLite, Kysely's Migrator knows neither. Its
 * statements all go through the one connection, so that a transaction opened here is around them.
 */
async function migrateAlone(database: DatabaseSync, db: Kysely<Schema>): Promise<void> {
  database.exec('begin immediate');
  try {
    await migrateToLatest(db);
    database.exec('commit');
  } catch (error) {
    if (database.isTransaction) database.exec('rollback');
    throw error;
  }
}

/** What Kysely expects is the interface of better-sqlite3, which differs from Node's in how values are passed. */
function forKysely(database: DatabaseSync): SqliteDatabase {
  return {
    close: () => database.close(),
    prepare(text) {
      const statement = translated(() => database.prepare(text));
      return {
        reader: statement.columns().length > 0,
        all: (values) => translated(() => statement.all(...(values as SQLInputValue[]))),
        run: (values) => translated(() => statement.run(...(values as SQLInputValue[]))),
        iterate: (values) => statement.iterate(...(values as SQLInputValue[])),
      };
    },
  };
}

function translated<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw sqliteError(error);
  }
}
