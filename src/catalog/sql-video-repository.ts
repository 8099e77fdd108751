/** Videos in a SQL database: one set of queries for SQLite and PostgreSQL. */
import { type Kysely, sql } from 'kysely';
import { AppError, isAppError } from '../errors.ts';
import { likePattern } from './fold.ts';
import type { Schema } from './schema.ts';
import { parseVideoId, type VideoId } from './video.ts';
import type { VideoPage, VideoQuery, VideoRepository } from './video-repository.ts';
import { captionsColumn, columnsOf, metadataColumn, rowOf, videoOf } from './video-rows.ts';

/** What differs between databases, and the clock for `updatedAt`. */
export type SqlRepositoryOptions = {
  readonly now: () => Date;
  readonly isUniqueViolation: (error: unknown) => boolean;
};

const MAX_LIMIT = 200;
/** No title is that long, and SQLite refuses patterns of 50,000 bytes. */
const MAX_QUERY_LENGTH = 1000;

const COLUMNS_WITHOUT_CONTENT = [
  'id',
  'title',
  'description',
  'visibility',
  'status',
  'error_code',
  'error_message',
  'created_at',
  'updated_at',
  'source_origin',
  'source_key',
  'source_name',
  'source_bytes',
  'source_etag',
  'revision',
  'captions',
  'poster',
] as const;
/** What lies behind the content in a row is as slow to read as the content itself, where it is not null. */
const COLUMNS = [...COLUMNS_WITHOUT_CONTENT, 'content', 'metadata'] as const;

/** The videos of `db`, whose schema is up to date. */
export function sqlVideoRepository(db: Kysely<Schema>, options: SqlRepositoryOptions): VideoRepository {
  const refuseDuplicate = (error: unknown): never => {
    if (!options.isUniqueViolation(error)) throw error;
    throw new AppError('invalid_request', 'there is already a video of this id or source', { cause: error });
  };

  return {
    async insert(video) {
      await db.insertInto('videos').values(rowOf(video)).execute().catch(refuseDuplicate);
    },

    async get(id) {
      const row = await db.selectFrom('videos').select(COLUMNS).where('id', '=', id).executeTakeFirst();
      return row && videoOf(row);
    },

    async findBySource(origin, key) {
      const query = db.selectFrom('videos').select(COLUMNS);
      const row = await query
        .where('source_origin', '=', origin)
        .where('source_key', '=', key)
        .executeTakeFirst();
      return row && videoOf(row);
    },

    async listBySource(origin) {
      const query = db.selectFrom('videos').select(COLUMNS_WITHOUT_CONTENT);
      const rows = await query.where('source_origin', '=', origin).orderBy('id', 'desc').execute();
      return rows.map((row) => videoOf({ ...row, content: null, metadata: null }));
    },

    list: (query) => listPage(db, query),

    async update(id, change, condition = {}) {
      if (condition.status?.length === 0) return undefined;
      const columns = { ...columnsOf(change), updated_at: options.now().getTime() };
      let query = db.updateTable('videos').set(columns).where('id', '=', id);
      // One statement, so that nothing comes between the comparison and the change.
      if (condition.status !== undefined) query = query.where('status', 'in', condition.status);
      if (condition.revision !== undefined) query = query.where('revision', '=', condition.revision);
      if (condition.metadata !== undefined) {
        const metadata = metadataColumn(condition.metadata);
        query = query.where('metadata', metadata === null ? 'is' : '=', metadata);
      }
      if (condition.captions !== undefined) {
        const captions = captionsColumn(condition.captions);
        query = query.where('captions', captions === null ? 'is' : '=', captions);
      }
      if (condition.poster !== undefined)
        query = query.where('poster', condition.poster === null ? 'is' : '=', condition.poster);
      const row = await query.returning(COLUMNS).executeTakeFirst().catch(refuseDuplicate);
      return row && videoOf(row);
    },

    async delete(id) {
      await db.deleteFrom('videos').where('id', '=', id).execute();
    },
  };
}

async function listPage(db: Kysely<Schema>, query: VideoQuery): Promise<VideoPage> {
  if (!Number.isInteger(query.limit) || query.limit < 1 || query.limit > MAX_LIMIT) {
    throw new AppError('invalid_request', `limit is a whole number from 1 to ${MAX_LIMIT}`);
  }
  let select = db.selectFrom('videos').select(COLUMNS);
  if (query.cursor !== undefined) select = select.where('id', '<', parseCursor(query.cursor));
  if (query.status !== undefined) select = select.where('status', '=', query.status);
  if (query.q !== undefined && query.q !== '') {
    const pattern = searchPattern(query.q);
    select = select.where(
      sql<boolean>`(title_folded like ${pattern} escape '\\' or source_name_folded like ${pattern} escape '\\')`,
    );
  }
  // One more than asked for tells whether there is a next page. Its content is read for nothing, rarely.
  const rows = await select
    .orderBy('id', 'desc')
    .limit(query.limit + 1)
    .execute();
  const items = rows.slice(0, query.limit).map(videoOf);
  const last = items.at(-1);
  return rows.length > query.limit && last !== undefined ? { items, nextCursor: last.id } : { items };
}

/** The cursor is the id of the last video of the page before: it stays good when that video is deleted. */
function parseCursor(cursor: string): VideoId {
  try {
    return parseVideoId(cursor);
  } catch (error) {
    if (!isAppError(error, 'not_found')) throw error;
    throw new AppError('invalid_request', 'cursor is not one that was given out', { cause: error });
  }
}

function searchPattern(q: string): string {
  if (q.length > MAX_QUERY_LENGTH) {
    throw new AppError('invalid_request', `q has at most ${MAX_QUERY_LENGTH} characters`);
  }
  return likePattern(q);
}
