/** A process for change.test.ts that has enqueued in a change and never comes to commit it. */
import { openPostgresCatalog } from '../../src/catalog/postgres.ts';
import { embeddedBroadcast } from '../../src/cluster/broadcast.ts';
import type { JobQueue } from '../../src/jobs/job-queue.ts';
import { openPgBossJobQueue } from '../../src/jobs/pg-boss.ts';
import { changesOf } from '../../src/pipeline/change.ts';
import { openPool } from '../../src/postgres/pool.ts';
import { jobOf } from '../contracts/job-queue.contract.ts';
import { bareVideo } from '../contracts/video-repository.contract.ts';

const url = process.argv[2]!;
const onError = (): void => {};
const catalog = await openPostgresCatalog({ url, now: () => new Date(), poolSize: 2, onError });
const pool = openPool({ url, size: 2, onError });
const boss = await openPgBossJobQueue({ pool, broadcast: embeddedBroadcast(), onError });
const enqueueWith: JobQueue['enqueueWith'] = async (...args) => {
  await boss.enqueueWith(...args);
  console.log('enqueued');
  return new Promise(() => {});
};
await changesOf(catalog, { enqueueWith } as JobQueue)(async ({ videos, enqueue }) => {
  await videos.insert(bareVideo());
  enqueue([jobOf('of the dead')]);
});
