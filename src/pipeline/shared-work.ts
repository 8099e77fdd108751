/** Work whose result several may wait for at once. */
import { AppError } from '../errors.ts';

type Work<T> = { readonly result: Promise<T>; readonly giveUp: AbortController; waiting: number };

/** Does the same thing once for all who ask at the same time, and gives it up when all of them have gone away. */
export class SharedWork<T> {
  readonly #running = new Map<string, Work<T>>();

  /** `work` is begun unless it runs already for `key`. Throws what it throws, and for this caller what `signal` says. */
  async result(key: string, work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    const running = this.#running.get(key) ?? this.#begin(key, work);
    running.waiting++;
    const gone = Promise.withResolvers<never>();
    const leave = (): void => gone.reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([running.result, gone.promise]);
    } finally {
      signal.removeEventListener('abort', leave);
      running.waiting--;
      if (running.waiting === 0) this.#giveUp(key, running);
    }
  }

  #begin(key: string, work: (signal: AbortSignal) => Promise<T>): Work<T> {
    const giveUp = new AbortController();
    const running = { result: work(giveUp.signal), giveUp, waiting: 0 };
    this.#running.set(key, running);
    const forget = (): void => this.#forget(key, running);
    running.result.then(forget, forget);
    return running;
  }

  /** Whoever comes from now on begins anew. */
  #giveUp(key: string, running: Work<T>): void {
    this.#forget(key, running);
    running.giveUp.abort(new AppError('aborted', 'all who waited went away'));
  }

  #forget(key: string, running: Work<T>): void {
    if (this.#running.get(key) === running) this.#running.delete(key);
  }
}
