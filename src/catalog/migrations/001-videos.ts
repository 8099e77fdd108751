import type { Kysely } from 'kysely';

/** The table of videos. */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema
    .createTable('videos')
    // Sorts by creation: the newest first is the primary key backwards.
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('title', 'text', (column) => column.notNull())
    // What the search looks at: see fold.ts.
    .addColumn('title_folded', 'text', (column) => column.notNull())
    .addColumn('description', 'text', (column) => column.notNull())
    .addColumn('visibility', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('error_code', 'text')
    .addColumn('error_message', 'text')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addColumn('source_origin', 'text', (column) => column.notNull())
    .addColumn('source_key', 'text', (column) => column.notNull())
    .addColumn('source_name', 'text', (column) => column.notNull())
    .addColumn('source_name_folded', 'text', (column) => column.notNull())
    .addColumn('source_bytes', 'bigint', (column) => column.notNull())
    .addColumn('source_etag', 'text', (column) => column.notNull())
    .addColumn('revision', 'text', (column) => column.notNull())
    // JSON, megabytes for a large package; last, so that SQLite need not read over it to get at the others.
    .addColumn('content', 'text')
    .addUniqueConstraint('videos_source', ['source_origin', 'source_key'])
    .execute();
  await db.schema.createIndex('videos_status').on('videos').columns(['status', 'id']).execute();
}
