/** Uploads in a SQL database: one set of queries for SQLite and PostgreSQL. */
import type { Kysely, Selectable } from 'kysely';
import { AppError } from '../errors.ts';
import type { Schema, UploadsTable } from './schema.ts';
import { parseUploadId, type StoredUpload, type UploadOrigin, type UploadState } from './upload.ts';
import type { UploadChange, UploadRepository } from './upload-repository.ts';
import { parseVideoId } from './video.ts';

/** The uploads of `db`, whose schema is up to date. */
export function sqlUploadRepository(
  db: Kysely<Schema>,
  isUniqueViolation: (error: unknown) => boolean,
): UploadRepository {
  const find = async (column: 'id' | 'video_id', value: string): Promise<StoredUpload | undefined> => {
    const row = await db.selectFrom('uploads').selectAll().where(column, '=', value).executeTakeFirst();
    return row && uploadOf(row);
  };

  return {
    async insert(upload) {
      await db
        .insertInto('uploads')
        .values(rowOf(upload))
        .execute()
        .catch((error: unknown) => {
          if (!isUniqueViolation(error)) throw error;
          const message = 'there is already an upload of this id or video';
          throw new AppError('invalid_request', message, { cause: error });
        });
    },

    get: (id) => find('id', id),
    findByVideo: (videoId) => find('video_id', videoId),

    async list(state) {
      const rows = await db.selectFrom('uploads').selectAll().where('state', '=', state).execute();
      return rows.map(uploadOf);
    },

    async listExpired(now) {
      const query = db.selectFrom('uploads').selectAll().where('expires_at', '<=', now.getTime());
      return (await query.execute()).map(uploadOf);
    },

    async update(id, change, condition = {}) {
      let query = db.updateTable('uploads').set(columnsOf(change)).where('id', '=', id);
      // One statement, so that nothing comes between the comparison and the change.
      if (condition.state !== undefined) query = query.where('state', '=', condition.state);
      if (condition.isLengthUnknown) query = query.where('total_bytes', 'is', null);
      const row = await query.returningAll().executeTakeFirst();
      return row && uploadOf(row);
    },

    async delete(id) {
      await db.deleteFrom('uploads').where('id', '=', id).execute();
    },
  };
}

function rowOf(upload: StoredUpload): UploadsTable {
  return {
    id: upload.id,
    video_id: upload.videoId,
    origin: upload.origin,
    state: upload.state,
    filename: upload.filename,
    title: upload.title ?? null,
    total_bytes: upload.totalBytes ?? null,
    expires_at: upload.expiresAt.getTime(),
    url: upload.url ?? null,
    validator: upload.validator ?? null,
  };
}

function columnsOf(change: UploadChange): Partial<UploadsTable> {
  return {
    ...(change.state === undefined ? {} : { state: change.state }),
    ...(change.totalBytes === undefined ? {} : { total_bytes: change.totalBytes }),
    ...(change.expiresAt === undefined ? {} : { expires_at: change.expiresAt.getTime() }),
    ...(change.validator === undefined ? {} : { validator: change.validator }),
  };
}

function uploadOf(row: Selectable<UploadsTable>): StoredUpload {
  return {
    id: parseUploadId(row.id),
    videoId: parseVideoId(row.video_id),
    origin: row.origin as UploadOrigin,
    state: row.state as UploadState,
    filename: row.filename,
    ...(row.title === null ? {} : { title: row.title }),
    ...(row.total_bytes === null ? {} : { totalBytes: row.total_bytes }),
    expiresAt: new Date(row.expires_at),
    ...(row.url === null ? {} : { url: row.url }),
    ...(row.validator === null ? {} : { validator: row.validator }),
  };
}
