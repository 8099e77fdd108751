/** One writer at a time for each upload, in whichever process. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseUploadId, type UploadId } from '../catalog/upload.ts';
import type { Broadcast } from '../cluster/broadcast.ts';
import type { Leases } from '../cluster/leases.ts';
import { AppError, type ErrorCode, isAppError } from '../errors.ts';

/** A writer is to end, and why. */
type Message = { readonly id: string; readonly code: ErrorCode; readonly message: string };

const TOPIC = 'uploads';
/** A writer that was told to end keeps what it has, which takes a moment. */
const STOP_MS = 10_000;

/** The writers of this process, and what they must know of those elsewhere. */
export class UploadWriters {
  readonly #leases: Leases;
  readonly #broadcast: Broadcast;
  readonly #here = new Map<UploadId, AbortController>();

  constructor(leases: Leases, broadcast: Broadcast) {
    this.#leases = leases;
    this.#broadcast = broadcast;
    broadcast.subscribe(TOPIC, (message) => {
      const { id, code, message: text } = message as Message;
      this.#here.get(parseUploadId(id))?.abort(new AppError(code, text));
    });
  }

  /** Whether this process writes to it. */
  has(id: UploadId): boolean {
    return this.#here.has(id);
  }

  /** Runs `action` as the one writer. Throws `unavailable` where there is another. */
  async alone<T>(id: UploadId, action: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const held = await this.tryAlone(id, action);
    if (held === undefined) throw new AppError('unavailable', 'another request is writing to this upload');
    return held.result;
  }

  /** The same; undefined where there is another. */
  tryAlone<T>(
    id: UploadId,
    action: (signal: AbortSignal) => Promise<T>,
  ): Promise<{ readonly result: T } | undefined> {
    return this.#leases.tryHold(leaseOf(id), async (lost) => {
      const controller = new AbortController();
      const signal = AbortSignal.any([controller.signal, lost]);
      this.#here.set(id, controller);
      try {
        return await action(signal);
      } catch (error) {
        throw isAppError(error, 'aborted') && signal.aborted ? signal.reason : error;
      } finally {
        this.#here.delete(id);
      }
    });
  }

  /** Whether nobody is writing to it just now. */
  async isFree(id: UploadId): Promise<boolean> {
    return (await this.#leases.tryHold(leaseOf(id), async () => {})) !== undefined;
  }

  /** The writer fails with `reason`; resolves once what it brought is kept. */
  async stop(id: UploadId, reason: AppError): Promise<void> {
    const { code, message } = reason;
    const end = Date.now() + STOP_MS;
    while (!(await this.isFree(id))) {
      if (Date.now() > end) throw new AppError('unavailable', 'the upload is still being written to');
      this.#broadcast.publish(TOPIC, { id, code, message } satisfies Message);
      await sleep(10);
    }
  }

  /** The same for all writers of this process. */
  async stopAll(reason: AppError): Promise<void> {
    for (const controller of this.#here.values()) controller.abort(reason);
    while (this.#here.size > 0) await sleep(5);
  }
}

function leaseOf(id: UploadId): string {
  return `upload/${id}`;
}
