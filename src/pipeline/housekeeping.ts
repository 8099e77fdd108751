/** What is to be done every now and then: by one process, and where there are several, by one of them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Leases } from '../cluster/leases.ts';
import { holdWhenFree } from './hold-when-free.ts';
import type { Log } from './log.ts';

/** Something that is done again and again. */
export type Chore = {
  /** Ends the sentence "... did not work; it is tried again". */
  readonly name: string;
  readonly everyMs: number;
  readonly run: (signal: AbortSignal) => Promise<void>;
};

/** How long another process waits to see whether the one at work is still there. */
const TAKE_OVER_MS = 5000;

/** Does each chore at once and then at its pace, until `signal` fires. One that fails is done again at its next time. */
export async function doChores(chores: readonly Chore[], log: Log, signal: AbortSignal): Promise<void> {
  await Promise.all(
    chores.map(async ({ name, everyMs, run }) => {
      while (!signal.aborted) {
        await run(signal).catch((err: unknown) => {
          if (!signal.aborted) log.error({ err }, `${name} did not work; it is tried again`);
        });
        await sleep(everyMs, undefined, { signal, ref: false }).catch(() => {});
      }
    }),
  );
}

/** The same in one of several processes, and in another one when that ends. */
export function shareChores(
  chores: readonly Chore[],
  leases: Leases,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const onError = (err: unknown): void => log.warn({ err }, 'who keeps house could not be agreed on');
  const work = (held: AbortSignal): Promise<void> => doChores(chores, log, held);
  return holdWhenFree(leases, 'housekeeping', work, { signal, retryMs: TAKE_OVER_MS, onError });
}
