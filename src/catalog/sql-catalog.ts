import { type Kysely, sql } from 'kysely';
import { AppError } from '../errors.ts';
import type { Catalog } from './catalog.ts';
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
export function sqlCatalog(db: Kysely<Schema>, { now, isUniqueViolation }: SqlCatalogOptions): Catalog {
  return {
    videos: sqlVideoRepository(db, { now, isUniqueViolation }),
    chunks: sqlChunkRepository(db),
    uploads: sqlUploadRepository(db, isUniqueViolation),
    ping: async () => {
      await sql`select 1 from videos limit 1`.execute(db).catch((error: unknown) => {
        throw new AppError('unavailable', 'the catalog does not answer', { cause: error });
      });
    },
    close: () => db.destroy(),
  };
}
