/**
 * What of pg-boss's table we read and write ourselves. It has no word for "all of a video" and caches its counts for a
 * minute; its documentation invites statements of one's own on `job`.
 */
import type { Pool } from 'pg';
import type { JobInsert } from 'pg-boss';
import { AppError } from '../errors.ts';
import { type Job, type JobCount, type JobKind, MAX_PRIORITY, type SqlTransaction } from './job-queue.ts';

/**
 * Videos take turns within a priority. pg-boss knows nothing but an integer, higher first, so that has both in it: the
 * priority, and below it how many turns come before.
 */
const TURNS = 1_000_000;

/** The table `job`, for the queue. */
export class PgBossTable {
  static readonly schema = 'sluice_jobs';
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** pg-boss's number that is lowest in a priority; undefined for no limit. */
  static lowestOf(priority: number): number | undefined {
    return Number.isFinite(priority) ? Math.ceil(priority) * TURNS - TURNS + 1 : undefined;
  }

  /** Jobs of one kind, video and priority, one turn each: after those of the video that wait already, or next. */
  async rowsOf(jobs: readonly Job[], sql: SqlTransaction): Promise<JobInsert[]> {
    const { kind, videoId, priority } = jobs[0]!;
    if (!Number.isInteger(priority) || Math.abs(priority) > MAX_PRIORITY) {
      throw new AppError('internal', `${priority} is no priority of a job`);
    }
    const highest = priority * TURNS;
    const lowest = highest - TURNS + 1;
    const { rows } = await sql.executeSql(
      `select max(priority) as next, min(priority) filter (where group_id = $4) as last
       from ${PgBossTable.schema}.job where name = $1 and state < 'active' and priority between $2 and $3`,
      [kind, lowest, highest, videoId],
    );
    const { next, last } = rows[0] as { next: number | null; last: number | null };
    const first = last === null ? (next ?? highest) : last - 1;
    return jobs.map((job, index) => ({
      data: { key: job.key, videoId, priority, payload: job.payload },
      singletonKey: job.key,
      group: { id: videoId },
      priority: Math.max(lowest, first - index),
    }));
  }

  /** Removes what waits for a video. */
  async deleteWaiting(videoId: string, exceptKey = ''): Promise<void> {
    await this.#pool.query(
      `delete from ${PgBossTable.schema}.job where group_id = $1 and state < 'active' and singleton_key <> $2`,
      [videoId, exceptKey],
    );
  }

  /** Removes what waits or runs for a video. */
  async deleteAll(videoId: string, exceptKey = ''): Promise<void> {
    await this.#pool.query(
      `delete from ${PgBossTable.schema}.job where group_id = $1 and state <= 'active' and singleton_key <> $2`,
      [videoId, exceptKey],
    );
  }

  /** In all processes. */
  async countRunning(videoId: string, exceptKey = ''): Promise<number> {
    const { rows } = await this.#pool.query<{ count: number }>(
      `select count(*) from ${PgBossTable.schema}.job
       where group_id = $1 and state = 'active' and singleton_key <> $2`,
      [videoId, exceptKey],
    );
    return rows[0]?.count ?? 0;
  }

  /** In all processes. */
  async counts(): Promise<ReadonlyMap<JobKind, JobCount>> {
    const { rows } = await this.#pool.query<{ name: JobKind } & JobCount>(
      `select name, count(*) filter (where state < 'active') as waiting,
         count(*) filter (where state = 'active') as running
       from ${PgBossTable.schema}.job where state <= 'active' group by name`,
    );
    return new Map(rows.map(({ name, waiting, running }) => [name, { waiting, running }]));
  }
}
