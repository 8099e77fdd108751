import type { RetryDelays } from './job-queue.ts';

/**
 * How long to wait after attempt number `attempt` (1 for the first) has failed. By chance up to a half shorter, so
 * that what failed together is not tried again together.
 */
export function retryDelayMs({ firstDelayMs, maxDelayMs }: RetryDelays, attempt: number): number {
  const delayMs = Math.min(maxDelayMs, firstDelayMs * 2 ** (attempt - 1));
  return delayMs * (1 - Math.random() / 2);
}
