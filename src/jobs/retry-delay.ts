import type { RetryDelays } from './job-queue.ts';

/**
 * How long to wait after the `failures`th time (1 for the first) that it failed or was interrupted. By chance up to a
 * half shorter, so that what failed together is not tried again together.
 */
export function retryDelayMs({ firstDelayMs, maxDelayMs }: RetryDelays, failures: number): number {
  const delayMs = Math.min(maxDelayMs, firstDelayMs * 2 ** (failures - 1));
  return delayMs * (1 - Math.random() / 2);
}
