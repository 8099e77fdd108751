/**
 * Messages between the processes of one Sluice: something happened, look there. Which way they go is chosen in app.ts.
 * Every implementation passes test/contracts/broadcast.contract.ts.
 */
export type Broadcast = {
  /**
   * Tells everyone who subscribed to `topic`: in this process at once, elsewhere soon and in order. Never throws and
   * never waits; nobody learns whether it arrived. `message` is JSON and small ({@link MAX_MESSAGE_BYTES}).
   */
  publish(topic: string, message: unknown): void;
  /** Hears messages from now on. Whatever comes from another process may be of another version: parse it. */
  subscribe(topic: string, listener: (message: unknown) => void): Disposable;
  /** Called whenever messages of other processes may have been missed: what was heard before may be old. */
  onMissed(listener: () => void): Disposable;
};

/** As JSON. PostgreSQL carries no more than 8000 bytes, our own wrapping included. */
export const MAX_MESSAGE_BYTES = 7500;

/** Subscribers of one process, for implementations. */
export class Subscribers {
  readonly #byTopic = new Map<string, Set<(message: unknown) => void>>();
  readonly #missed = new Set<() => void>();

  subscribe(topic: string, listener: (message: unknown) => void): Disposable {
    const listeners = this.#byTopic.get(topic) ?? new Set();
    this.#byTopic.set(topic, listeners.add(listener));
    return { [Symbol.dispose]: () => void listeners.delete(listener) };
  }

  onMissed(listener: () => void): Disposable {
    this.#missed.add(listener);
    return { [Symbol.dispose]: () => void this.#missed.delete(listener) };
  }

  tell(topic: string, message: unknown): void {
    for (const listener of this.#byTopic.get(topic) ?? []) listener(message);
  }

  tellMissed(): void {
    for (const listener of this.#missed) listener();
  }
}

/** For a Sluice of one process. */
export function embeddedBroadcast(): Broadcast {
  const subscribers = new Subscribers();
  return {
    publish: (topic, message) => subscribers.tell(topic, message),
    subscribe: (topic, listener) => subscribers.subscribe(topic, listener),
    onMissed: (listener) => subscribers.onMissed(listener),
  };
}
