/** Messages over LISTEN and NOTIFY. https://www.postgresql.org/docs/current/sql-notify.html */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type Pool } from 'pg';
import { connectionOptions } from '../postgres/pool.ts';
import { type Broadcast, MAX_MESSAGE_BYTES, Subscribers } from './broadcast.ts';

export type PostgresBroadcastOptions = {
  /** Messages are sent through it. */
  readonly pool: Pool;
  /** For the one connection that listens. */
  readonly url: string;
  /** What went wrong; it goes on trying. */
  readonly onError: (error: unknown) => void;
};

const CHANNEL = 'sluice';
/** A connection that says nothing is asked so often whether it is still there, and given so long to answer. */
const HEARTBEAT_MS = 5000;
const RECONNECT_MS = { first: 100, max: 5000 };
/** While the database is away, the oldest messages are dropped above this number. */
const MAX_UNSENT = 1000;

/** As it goes over the wire: who sent it, its topic, what it says. */
type Envelope = readonly [sender: string, topic: string, message: unknown];

/** Resolves when it hears what others send; throws what connecting throws. */
export async function openPostgresBroadcast(
  options: PostgresBroadcastOptions,
): Promise<Broadcast & AsyncDisposable> {
  const broadcast = new PostgresBroadcast(options);
  await broadcast.start();
  return broadcast;
}

class PostgresBroadcast implements Broadcast, AsyncDisposable {
  readonly #options: PostgresBroadcastOptions;
  readonly #sender = randomUUID();
  readonly #subscribers = new Subscribers();
  readonly #closing = new AbortController();
  #unsent: string[] = [];
  #sending: Promise<void> | undefined;
  #listening: Promise<void> = Promise.resolve();

  constructor(options: PostgresBroadcastOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const client = await this.#connect();
    this.#listening = this.#stayConnected(client);
  }

  publish(topic: string, message: unknown): void {
    this.#subscribers.tell(topic, message);
    const envelope: Envelope = [this.#sender, topic, message];
    const text = JSON.stringify(envelope);
    if (Buffer.byteLength(text) > MAX_MESSAGE_BYTES + 100) {
      this.#options.onError(new Error(`a message about ${topic} is too long to be sent`));
      return;
    }
    this.#unsent.push(text);
    if (this.#unsent.length > MAX_UNSENT) this.#unsent.shift();
    // What is published meanwhile goes with the next statement.
    this.#sending ??= this.#send();
  }

  subscribe(topic: string, listener: (message: unknown) => void): Disposable {
    return this.#subscribers.subscribe(topic, listener);
  }

  onMissed(listener: () => void): Disposable {
    return this.#subscribers.onMissed(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sending;
    this.#closing.abort();
    await this.#listening;
  }

  async #send(): Promise<void> {
    // Not inside `publish`: what is published in one go is sent in one go.
    await Promise.resolve();
    for (let texts = this.#unsent; texts.length > 0; texts = this.#unsent) {
      this.#unsent = [];
      try {
        await this.#options.pool.query('select pg_notify($1, text) from unnest($2::text[]) text', [
          CHANNEL,
          texts,
        ]);
      } catch (error) {
        // Whoever missed them finds out by asking: nothing relies on messages alone.
        this.#options.onError(error);
        break;
      }
    }
    this.#sending = undefined;
  }

  async #connect(): Promise<Client> {
    const client = new Client(connectionOptions(this.#options.url));
    client.on('error', () => {});
    client.on('notification', ({ payload }) => this.#receive(payload ?? ''));
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
      return client;
    } catch (error) {
      leave(client);
      throw error;
    }
  }

  #receive(text: string): void {
    try {
      const [sender, topic, message] = JSON.parse(text) as Envelope;
      if (sender !== this.#sender) this.#subscribers.tell(topic, message);
    } catch (error) {
      this.#options.onError(error);
    }
  }

  async #stayConnected(first: Client): Promise<void> {
    const { signal } = this.#closing;
    let client: Client | undefined = first;
    let delayMs = RECONNECT_MS.first;
    while (!signal.aborted) {
      try {
        client ??= await this.#reconnect();
        delayMs = RECONNECT_MS.first;
        await this.#watch(client);
      } catch (error) {
        if (signal.aborted) break;
        this.#options.onError(error);
      }
      if (client !== undefined) leave(client);
      client = undefined;
      await sleep(delayMs, undefined, { signal }).catch(() => {});
      delayMs = Math.min(2 * delayMs, RECONNECT_MS.max);
    }
    if (client !== undefined) leave(client);
  }

  async #reconnect(): Promise<Client> {
    const client = await this.#connect();
    this.#subscribers.tellMissed();
    return client;
  }

  /** Ends when the connection does, or when it no longer answers. */
  async #watch(client: Client): Promise<void> {
    const { promise: ended, resolve: onEnd } = Promise.withResolvers<void>();
    client.once('end', onEnd);
    const onClose = (): void => onEnd();
    this.#closing.signal.addEventListener('abort', onClose);
    if (this.#closing.signal.aborted) onEnd();
    const timer = setInterval(() => void isAlive(client).then((alive) => alive || onEnd()), HEARTBEAT_MS);
    await ended;
    clearInterval(timer);
    this.#closing.signal.removeEventListener('abort', onClose);
  }
}

/** Not waited for: pg's promise never resolves where the connection had ended a moment before. */
function leave(client: Client): void {
  void client.end().catch(() => {});
}

async function isAlive(client: Client): Promise<boolean> {
  const silence = Promise.withResolvers<false>();
  const timer = setTimeout(() => silence.resolve(false), HEARTBEAT_MS - 500);
  const answer = client.query('select 1').then(
    () => true,
    () => false,
  );
  const alive = await Promise.race([answer, silence.promise]);
  clearTimeout(timer);
  return alive;
}
