import { AppError } from '../errors.ts';

/** A request is answered within this time, if only with the advice to ask again. */
const PATIENCE_MS = 8000;

/**
 * What `work` gives, or `unavailable` with `message` when it takes too long. Giving up the wait is not going away: the
 * work goes on, and the next request finds its result.
 */
export async function withPatience<T>(work: Promise<T>, message: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new AppError('unavailable', message)), PATIENCE_MS);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
