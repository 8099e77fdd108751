/**
 * The long form of trouble.test.ts, `npm run chaos`: minutes of trouble. SLUICE_CHAOS_SECONDS says how many seconds at
 * most; it ends when every video is ready in spite of all.
 */
import { test } from 'node:test';
import { postgres } from '../fixtures/postgres.ts';
import { s3ServerSkip } from '../storage/s3-server.ts';
import { runChaos } from './chaos-run.ts';
import { skipWithoutFfmpeg } from './judge.ts';

const longestMs = Number(process.env['SLUICE_CHAOS_SECONDS'] ?? 600) * 1000;

test(
  'twenty videos get ready while five people watch, whatever breaks every few seconds',
  {
    skip: postgres.skip || s3ServerSkip() || skipWithoutFfmpeg,
    timeout: longestMs + 600_000,
  },
  (context) =>
    runChaos(context, {
      workers: 3,
      videos: 20,
      videoSeconds: 40,
      viewers: 5,
      outageMs: 10_000,
      pauseMs: 2000,
      longestMs,
    }),
);
