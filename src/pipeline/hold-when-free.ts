/** Work that one of several processes does at any time, whichever. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Leases } from '../cluster/leases.ts';

/** How keenly {@link holdWhenFree} waits. */
export type Waiting = {
  readonly signal: AbortSignal;
  /** Between two attempts. */
  readonly retryMs: number;
  /** Holding it failed; it is tried again. */
  readonly onError: (error: unknown) => void;
};

/**
 * Holds `name` as soon as it is free, and again after it was lost, until `signal` fires: of several processes that call
 * this, one does the work at any time. `work` lasts until its own signal fires.
 */
export async function holdWhenFree(
  leases: Leases,
  name: string,
  work: (signal: AbortSignal) => Promise<void>,
  { signal, retryMs, onError }: Waiting,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await leases.tryHold(name, (lost) => work(AbortSignal.any([signal, lost])));
    } catch (error) {
      if (!signal.aborted) onError(error);
    }
    await sleep(retryMs, undefined, { signal }).catch(() => {});
  }
}
