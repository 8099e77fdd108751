/** Changes to the catalog, and the jobs that follow from them, as one. */
import type { Catalog, Repositories } from '../catalog/catalog.ts';
import type { Job, JobQueue } from '../jobs/job-queue.ts';

/** What a change is made with. Nothing else of the catalog may be used meanwhile. */
export type Changing = Repositories & {
  /** These are to be done once the change is made, and only then. */
  enqueue(jobs: readonly Job[]): void;
};

/**
 * Makes all changes of `work` or, where it throws, none. In a Sluice of several processes the jobs are part of them;
 * in one alone they are added afterwards, since they end with the process anyway.
 */
export type Change = <T>(work: (changing: Changing) => Promise<T>) => Promise<T>;

/** For a catalog, and the queue that belongs to it. */
export function changesOf(catalog: Catalog, jobs: JobQueue): Change {
  return async (work) => {
    const following: Job[] = [];
    const enqueue = (more: readonly Job[]): void => void following.push(...more);
    const { result, committed } = await catalog.transaction(async (repositories, sql) => {
      const made = await work({ ...repositories, enqueue });
      return { result: made, committed: await jobs.enqueueWith(sql, following) };
    });
    await committed();
    return result;
  };
}
