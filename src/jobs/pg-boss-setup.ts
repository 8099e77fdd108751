/** How pg-boss is set up: what it keeps, for how long, and when it gives a job to somebody else. */
import { PgBoss } from 'pg-boss';
import type { Pool } from 'pg';
import { postgresError } from '../postgres/errors.ts';
import {
  JOB_KINDS,
  MOST_INTERRUPTIONS,
  RETRY_DELAYS,
  type RetryDelays,
  type SqlTransaction,
} from './job-queue.ts';
import type { PgBossOptions } from './pg-boss.ts';
import { PgBossTable } from './pg-boss-table.ts';

/** A process that says nothing for so long is taken for dead, and its jobs are given to others: pg-boss's least. */
const HEARTBEAT_SECONDS = 10;
/** How often one of the processes looks for the dead. */
const SUPERVISE_SECONDS = 2;
/** Nothing runs longer: a pull from a slow address. */
const EXPIRE_SECONDS = 23 * 60 * 60;
/** Longer than any backlog. */
const KEEP_WAITING_SECONDS = 365 * 24 * 60 * 60;
/** Of {@link JobWorker.attempts} and {@link MOST_INTERRUPTIONS} together, and one in which it is given up. */
const MOST_RETRIES = 10 + MOST_INTERRUPTIONS + 1;
/** What is done is of no interest for long. */
const KEEP_DONE_SECONDS = 60 * 60;

/** Starts it, with a queue for each kind of job; several processes may do so at once. Throws `unavailable`. */
export async function startPgBoss({
  pool,
  onError,
  retryDelays = RETRY_DELAYS,
}: PgBossOptions): Promise<PgBoss> {
  const boss = new PgBoss({
    db: sqlOf(pool),
    schema: PgBossTable.schema,
    schedule: false,
    registerInstance: false,
    superviseIntervalSeconds: SUPERVISE_SECONDS,
    monitorIntervalSeconds: SUPERVISE_SECONDS,
  });
  boss.on('error', (error) => onError(error));
  try {
    await boss.start();
    for (const kind of JOB_KINDS) {
      const queue = {
        heartbeatSeconds: HEARTBEAT_SECONDS,
        expireInSeconds: EXPIRE_SECONDS,
        retentionSeconds: KEEP_WAITING_SECONDS,
        deleteAfterSeconds: KEEP_DONE_SECONDS,
        // Attempts are counted by the queue: a job whose process died each time is to come back once more, to be given up.
        retryLimit: MOST_RETRIES,
        ...retryOf(retryDelays),
      };
      await boss.createQueue(kind, { policy: 'exclusive', ...queue });
      await boss.updateQueue(kind, queue);
    }
    return boss;
  } catch (error) {
    await boss.stop({ graceful: false }).catch(() => {});
    throw postgresError(error);
  }
}

/** Each statement in a transaction of its own. */
export function sqlOf(pool: Pool): SqlTransaction {
  return { executeSql: (text, values) => pool.query(text, values as unknown[]) };
}

/** pg-boss waits between once and twice as long as its `retryDelay`, in whole seconds, and then doubles it. */
function retryOf({ firstDelayMs, maxDelayMs }: RetryDelays) {
  if (firstDelayMs < 500) return { retryDelay: 0, retryBackoff: false };
  const retryDelay = Math.max(1, Math.round(firstDelayMs / 2000));
  return { retryDelay, retryBackoff: true, retryDelayMax: Math.max(1, Math.round(maxDelayMs / 1000)) };
}
