/** A store that is away for a while is nobody's fault: work waits until it is back, and is then done again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type ErrorCode, isAppError } from '../errors.ts';
import { parseObjectKey } from '../storage/object-key.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** What work fails with whose store is away. */
const STORE_CODES: readonly ErrorCode[] = ['object_store_failed', 'source_unreadable'];
/** Nothing has this name: to hear so is an answer. */
const PROBE = parseObjectKey('.probe');
const FIRST_PAUSE_MS = 500;
/** One small request of each job that waits: soon after an outage all of them go on. */
const LONGEST_PAUSE_MS = 3000;

/** So often work is done again although its store answers: it may have come back just now. */
const CHANCES = 2;

/**
 * The result of `work`, which is done again after every outage of `store`. Fails as `work` does where the store answers
 * each time: then it is not away, and the trouble lies elsewhere.
 */
export async function throughOutages<T>(
  store: ObjectStore,
  work: () => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  let chances = CHANCES;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const isOfStore = isAppError(error) && STORE_CODES.includes(error.code);
      if (!isOfStore || ((await answers(store, signal)) && chances-- === 0)) throw error;
    }
    let pauseMs = FIRST_PAUSE_MS;
    do {
      // What it is refused with after `signal` has fired is what `work` is then refused with, too.
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    } while (!signal.aborted && !(await answers(store, signal)));
  }
}

async function answers(store: ObjectStore, signal: AbortSignal): Promise<boolean> {
  try {
    await store.head(PROBE, { signal });
    return true;
  } catch (error) {
    return !isAppError(error, 'object_store_failed');
  }
}
