import type { JobWorker } from '../jobs/job-queue.ts';

/** What is wrong with a source: trying again does not mend these. */
export const FINAL_CODES: JobWorker['finalCodes'] = [
  'source_empty',
  'source_not_media',
  'source_unsupported',
  'source_damaged',
  'source_vanished',
  'gone',
  'not_found',
];
