/** Connections to PostgreSQL, shared by everything in a process that needs the database. */
import { type ClientConfig, Pool, type PoolClient, types } from 'pg';
import { isConnectionLost, postgresError } from './errors.ts';

/** Where the database is. */
export type PoolOptions = {
  /** `postgres://...`, as pg understands it. */
  readonly url: string;
  /** Connections at a time. */
  readonly size: number;
  /** For statements that may take as long as they take: migrations. */
  readonly isPatient?: boolean;
  /** A connection was lost, in use or idle. Whoever used it is told as well. */
  readonly onError?: (error: unknown) => void;
};

/** Longer than any statement of ours takes, shorter than people wait. */
const STATEMENT_MS = 10_000;
/** The server's own limit comes first; this one is for a network that swallows everything. */
const QUERY_MS = STATEMENT_MS + 5000;
const CONNECT_MS = 5000;
const IDLE_IN_TRANSACTION_MS = 30_000;
/** `bigint`: ours stay below 2^53 (see catalog/schema.ts). */
const INT8_OID = 20;

/** A pool that outlives its database: connections are made when they are needed, and lost ones are replaced. */
export function openPool({ url, size, isPatient = false, onError }: PoolOptions): Pool {
  const pool = new Pool({
    ...connectionOptions(url),
    max: size,
    ...(isPatient
      ? {}
      : {
          statement_timeout: STATEMENT_MS,
          query_timeout: QUERY_MS,
          idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
        }),
  });
  // For its whole life: the pool's own listener is off while a client is handed out, and an `error` that nobody
  // listens to ends the process.
  pool.on('connect', (client) => void client.on('error', (error) => onError?.(error)));
  pool.on('error', () => {});
  return pool;
}

/** What every connection of ours has in common. */
export function connectionOptions(url: string): ClientConfig {
  return {
    connectionString: url,
    application_name: 'sluice',
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    types: {
      getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
        oid === INT8_OID && format !== 'binary'
          ? Number
          : types.getTypeParser(oid, format as 'text')) as typeof types.getTypeParser,
    },
  };
}

/** A client of a pool as Kysely uses it. */
type KyselyClient = {
  query: PoolClient['query'];
  release(): void;
};

/** `pool` for Kysely: errors are those of Sluice, and a connection that failed is not used again. */
export function forKysely(pool: Pool): { connect(): Promise<KyselyClient>; end(): Promise<void> } {
  return {
    connect: async () => {
      const client = await pool.connect().catch(rethrow);
      let isLost = false;
      const query = async (...args: unknown[]): Promise<unknown> => {
        try {
          return await (client.query as (...args: unknown[]) => Promise<unknown>)(...args);
        } catch (error) {
          isLost ||= isConnectionLost(error);
          throw postgresError(error);
        }
      };
      return { query: query as PoolClient['query'], release: () => client.release(isLost) };
    },
    end: () => pool.end(),
  };
}

function rethrow(error: unknown): never {
  throw postgresError(error);
}
