import type { Kysely } from 'kysely';

/** What the background has to encode, and has encoded. */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema
    .createTable('chunks')
    // Deleting a video leaves no chunk of it behind.
    .addColumn('video_id', 'text', (column) => column.notNull().references('videos.id').onDelete('cascade'))
    .addColumn('revision', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('first_segment', 'integer', (column) => column.notNull())
    .addColumn('end_segment', 'integer', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('chunks_key', ['video_id', 'revision', 'kind', 'first_segment'])
    .execute();
  await db.schema.createIndex('chunks_status').on('chunks').columns(['status', 'video_id']).execute();
}
