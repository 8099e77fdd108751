/**
 * `npm run test:shared`: the tests of playing, uploading and formats once more, each server of which is then two servers
 * and a worker, with PostgreSQL and a bucket. `npm run test:shared -- <file>...` runs these files alone.
 */
import { readdirSync } from 'node:fs';

/** Every test in them that starts a server... */
const FOLDERS = ['test/e2e', 'test/ingest'];
const FILES = [
  'test/server/captions.test.ts',
  'test/server/changes.test.ts',
  'test/server/events.test.ts',
  'test/server/openapi.test.ts',
  'test/web/uploads.test.ts',
];
/** ...but for these. */
const LEFT_OUT = {
  'test/e2e/players.test.ts': 'players in front of manifests, without a server of ours',
  'test/e2e/process.test.ts': 'the one process of a Sluice, and its children',
  'test/e2e/shared.test.ts': 'brings its own database and processes',
  'test/e2e/trouble.test.ts': 'brings its own database and processes',
  'test/ingest/full-disk.test.ts': 'the disk under a folder; a bucket is never full',
  'test/ingest/memory.test.ts': 'the memory of one process',
};

const all = FOLDERS.flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => `${folder}/${name}`),
);
process.env.SLUICE_TEST_DEPLOYMENT = 'shared';
if (process.argv.length === 2) process.argv.push(...all.filter((file) => !(file in LEFT_OUT)), ...FILES);
await import('./test.mjs');
