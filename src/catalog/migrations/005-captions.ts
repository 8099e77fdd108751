import type { Kysely } from 'kysely';

/**
 * Captions that were added to a video: JSON, a list; null where there are none. No table of their own: they are read
 * whenever their video is, and changed as a whole (docs/decisions/085).
 */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema.alterTable('videos').addColumn('captions', 'text').execute();
}
