/** Giving up, in every store in the same way. */
import { AppError } from '../errors.ts';

/** Throws `aborted` once `signal` has fired. */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AppError('aborted', 'given up', { cause: signal.reason });
}

/**
 * Gives `use` one chunk of `body` after the other. Rejects with the error of either, or with `aborted` once `signal`
 * has fired, even while the body stands still; `body` is then cancelled.
 */
export async function eachChunk(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
  use: (chunk: Uint8Array) => Promise<void>,
): Promise<void> {
  const reader = body.getReader();
  const giveUp = (): void => void reader.cancel(signal?.reason).catch(() => {});
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    // What has fired before is not told any more, and the body may stand still.
    checkSignal(signal);
    for (let next = await reader.read(); !next.done; next = await reader.read()) await use(next.value);
    checkSignal(signal);
  } catch (error) {
    void reader.cancel(error).catch(() => {});
    checkSignal(signal);
    throw error;
  } finally {
    signal?.removeEventListener('abort', giveUp);
    reader.releaseLock();
  }
}
