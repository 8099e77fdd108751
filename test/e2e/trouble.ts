/**
 * Each trouble once, in the middle of the work: the short form of chaos.ts, on demand.
 *
 * Measured while two cores had thirty processes that wanted them: 9 chunks encoded, 2 more begun and interrupted, none
 * twice; every video ready 25 s after the last trouble.
 */
import { test } from 'node:test';
import { postgres } from '../fixtures/postgres.ts';
import { s3ServerSkip } from '../storage/s3-server.ts';
import { runChaos } from './chaos-run.ts';
import { skipWithoutFfmpeg } from './judge.ts';

test(
  'every video gets ready and nobody gets a wrong byte, although a worker dies, connections are cut, and the store is away',
  {
    skip: postgres.skip || s3ServerSkip() || skipWithoutFfmpeg,
    timeout: 600_000,
  },
  (context) =>
    runChaos(context, {
      workers: 2,
      videos: 3,
      videoSeconds: 40,
      viewers: 2,
      outageMs: 2000,
      pauseMs: 500,
      longestMs: 0,
    }),
);
