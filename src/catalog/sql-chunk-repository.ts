/** Chunks in a SQL database: one set of queries for SQLite and PostgreSQL. */
import type { Kysely } from 'kysely';
import type { Chunk, ChunkRepository } from './chunk-repository.ts';
import type { ChunksTable, Schema } from './schema.ts';
import { parseVideoId } from './video.ts';

/** Rows in one statement: SQLite allows some ten thousand parameters in each. */
const ROWS_AT_ONCE = 1000;

/** The chunks of `db`, whose schema is up to date. */
export function sqlChunkRepository(db: Kysely<Schema>): ChunkRepository {
  return {
    async add(chunks) {
      await (db.isTransaction
        ? insertAll(db, chunks)
        : db.transaction().execute((own) => insertAll(own, chunks)));
    },

    async listWaiting() {
      const rows = await db
        .selectFrom('chunks')
        .selectAll()
        .where('status', '=', 'waiting')
        .orderBy('video_id')
        .orderBy('first_segment')
        .orderBy('kind')
        .execute();
      return rows.map(chunkOf);
    },

    async markDone(chunk) {
      const result = await db
        .updateTable('chunks')
        .set({ status: 'done' })
        .where('video_id', '=', chunk.videoId)
        .where('revision', '=', chunk.revision)
        .where('kind', '=', chunk.kind)
        .where('first_segment', '=', chunk.first)
        .where('status', '=', 'waiting')
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },

    async countWaiting(videoId, revision) {
      const { count } = await db
        .selectFrom('chunks')
        .select((expression) => expression.fn.countAll<number | bigint | string>().as('count'))
        .where('video_id', '=', videoId)
        .where('revision', '=', revision)
        .where('status', '=', 'waiting')
        .executeTakeFirstOrThrow();
      return Number(count);
    },

    async remove(videoId, keep) {
      let query = db.deleteFrom('chunks').where('video_id', '=', videoId);
      if (keep !== undefined) query = query.where('revision', '<>', keep);
      await query.execute();
    },
  };
}

async function insertAll(db: Kysely<Schema>, chunks: readonly Chunk[]): Promise<void> {
  for (let start = 0; start < chunks.length; start += ROWS_AT_ONCE) {
    const rows = chunks.slice(start, start + ROWS_AT_ONCE).map(rowOf);
    const ignoreThere = db.insertInto('chunks').values(rows);
    await ignoreThere.onConflict((conflict) => conflict.doNothing()).execute();
  }
}

function rowOf(chunk: Chunk): ChunksTable {
  return {
    video_id: chunk.videoId,
    revision: chunk.revision,
    kind: chunk.kind,
    first_segment: chunk.first,
    end_segment: chunk.end,
    status: 'waiting',
  };
}

function chunkOf(row: ChunksTable): Chunk {
  return {
    videoId: parseVideoId(row.video_id),
    revision: row.revision,
    kind: row.kind as Chunk['kind'],
    first: row.first_segment,
    end: row.end_segment,
  };
}
