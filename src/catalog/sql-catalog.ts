import { CompiledQuery, type Kysely, sql, type Transaction } from 'kysely';
import { AppError } from '../errors.ts';
import type { SqlTransaction } from '../jobs/job-queue.ts';
import type { Catalog, Repositories } from './catalog.ts';
import type { Schema } from './schema.ts';
import { sqlChunkRepository } from './sql-chunk-repository.ts';
import { sqlUploadRepository } from './sql-upload-repository.ts';
import { sqlVideoRepository } from './sql-video-repository.ts';

/** What differs between databases, and the clock for `updatedAt`. */
export type SqlCatalogOptions = {
  readonly now: () => Date;
  readonly isUniqueViolation: (error: unknown) => boolean;
};

/** The catalog over a database whose schema is up to date. */
export function sqlCatalog(db: Kysely<Schema>, options: SqlCatalogOptions): Catalog {
  return {
    ...repositoriesOf(db, options),
    transaction: (work) =>
      db.transaction().execute((within) => work(repositoriesOf(within, options), sqlOf(within))),
    ping: async () => {
      await sql`select 1 from videos limit 1`.execute(db).catch((error: unknown) => {
        throw new AppError('unavailable', 'the catalog does not answer', { cause: error });
      });
    },
    close: () => db.destroy(),
  };
}

function repositoriesOf(db: Kysely<Schema>, { now, isUniqueViolation }: SqlCatalogOptions): Repositories {
  return {
    videos: sqlVideoRepository(db, { now, isUniqueViolation }),
    chunks: sqlChunkRepository(db),
    uploads: sqlUploadRepository(db, isUniqueViolation),
  };
}

function sqlOf(within: Transaction<Schema>): SqlTransaction {
  return {
    async executeSql(text, values = []) {
      const query = CompiledQuery.raw(text, [...values]);
      return { rows: (await within.executeQuery<Record<string, unknown>>(query)).rows };
    },
  };
}
