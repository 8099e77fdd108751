import type { Kysely } from 'kysely';

/** What users keep with a video: JSON, a map of texts; null where there is none. */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema.alterTable('videos').addColumn('metadata', 'text').execute();
}
