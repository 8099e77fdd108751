/**
 * Leases as advisory locks, all on one connection of their own: whoever loses it, by dying or by the network, loses them
 * all at that moment. https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
 */
import { Client } from 'pg';
import { AppError } from '../errors.ts';
import { postgresError } from '../postgres/errors.ts';
import { connectionOptions } from '../postgres/pool.ts';
import type { Leases } from './leases.ts';

/** Sets our locks apart from others in the same database. */
const NAMESPACE = 'sluice/';
/** How often we look whether the connection is still there, and for how long we wait for an answer. */
const HEARTBEAT_MS = 3000;
/** For the server: a process whose machine has vanished keeps its leases for no more than 15 seconds. */
const KEEP_ALIVE = '-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=2';

type Session = { readonly client: Client; readonly lost: AbortController };

/** Leases among all who use this database. Nothing is connected before the first is asked for. */
export class PostgresLeases implements Leases, AsyncDisposable {
  readonly #url: string;
  readonly #held = new Set<string>();
  #session: Promise<Session> | undefined;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  async tryHold<T>(
    name: string,
    action: (lost: AbortSignal) => Promise<T>,
  ): Promise<{ readonly result: T } | undefined> {
    // A session may take its own lock twice.
    if (this.#held.has(name)) return undefined;
    this.#held.add(name);
    try {
      const { client, lost } = await this.#connected();
      if (!(await ask(client, 'select pg_try_advisory_lock(hashtextextended($1, 0)) as is_so', name)))
        return undefined;
      try {
        return { result: await action(lost.signal) };
      } finally {
        // Where the connection is lost, so is the lock.
        await ask(client, 'select pg_advisory_unlock(hashtextextended($1, 0)) as is_so', name).catch(
          () => {},
        );
      }
    } finally {
      this.#held.delete(name);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const session = await this.#session?.catch(() => undefined);
    if (session !== undefined) this.#lose(session);
  }

  #connected(): Promise<Session> {
    this.#session ??= this.#connect().catch((error: unknown) => {
      this.#session = undefined;
      throw postgresError(error);
    });
    return this.#session;
  }

  async #connect(): Promise<Session> {
    const client = new Client({
      ...connectionOptions(this.#url),
      options: KEEP_ALIVE,
      query_timeout: HEARTBEAT_MS,
    });
    const session = { client, lost: new AbortController() };
    client.on('error', () => this.#lose(session));
    client.on('end', () => this.#lose(session));
    await client.connect();
    this.#heartbeat = setInterval(() => {
      client.query('select 1').catch(() => this.#lose(session));
    }, HEARTBEAT_MS);
    this.#heartbeat.unref();
    return session;
  }

  #lose({ client, lost }: Session): void {
    if (lost.signal.aborted) return;
    clearInterval(this.#heartbeat);
    this.#session = undefined;
    lost.abort(new AppError('unavailable', 'the database cannot be reached'));
    // Not waited for: one that no longer answers does not say goodbye either.
    void client.end().catch(() => {});
  }
}

async function ask(client: Client, text: string, name: string): Promise<boolean> {
  try {
    const { rows } = await client.query<{ is_so: boolean }>(text, [NAMESPACE + name]);
    return rows[0]?.is_so ?? false;
  } catch (error) {
    throw postgresError(error);
  }
}
