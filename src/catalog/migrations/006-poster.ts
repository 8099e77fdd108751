import type { Kysely } from 'kysely';

/** The name of the poster that somebody chose; null where Sluice chooses. */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema.alterTable('videos').addColumn('poster', 'text').execute();
}
