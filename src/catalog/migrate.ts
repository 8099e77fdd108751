import { type Kysely, Migrator } from 'kysely';
import { AppError } from '../errors.ts';
import { MIGRATIONS } from './migrations/index.ts';
import type { Schema } from './schema.ts';

/** Brings the schema up to date. Throws `config_invalid` where a newer version of Sluice has written it. */
export async function migrateToLatest(db: Kysely<Schema>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } });
  const { error } = await migrator.migrateToLatest();
  if (error === undefined) return;
  // Kysely's word for: the database knows of migrations that we do not have.
  const isNewer = error instanceof Error && error.message.startsWith('corrupted migrations');
  if (!isNewer) throw error;
  throw new AppError('config_invalid', 'the catalog was written by a newer version of Sluice', {
    cause: error,
  });
}
