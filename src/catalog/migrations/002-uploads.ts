import type { Kysely } from 'kysely';

/** The table of files on their way in. */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema
    .createTable('uploads')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    // No foreign key: an upload that was ended is remembered longer than its video.
    .addColumn('video_id', 'text', (column) => column.notNull().unique())
    .addColumn('origin', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('filename', 'text', (column) => column.notNull())
    .addColumn('title', 'text')
    .addColumn('total_bytes', 'bigint')
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('url', 'text')
    .addColumn('validator', 'text')
    .execute();
  await db.schema.createIndex('uploads_expires_at').on('uploads').column('expires_at').execute();
}
