/**
 * A store of objects in one SQLite file. Not for a real server (a folder is faster): it shows what a store has to do,
 * in one file. docs/adding-a-store.md leads through it.
 */
import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { AppError } from '../../src/errors.ts';
import { type ObjectKey, parseObjectKey } from '../../src/storage/object-key.ts';
import type {
  ObjectContent,
  ObjectInfo,
  ObjectStore,
  PutResult,
  ReadOptions,
} from '../../src/storage/object-store.ts';
import { resolveRange } from '../../src/storage/range.ts';

/** An object is kept in rows of so many bytes: none is ever in memory as a whole. */
const PIECE_BYTES = 256 * 1024;

const SCHEMA = `
  pragma journal_mode = wal;
  pragma synchronous = normal;
  create table if not exists object (key text primary key, content text, bytes integer, modified_ms integer) strict;
  create table if not exists piece (content text, number integer, data blob, primary key (content, number)) strict;
`;

type Row = {
  readonly key: string;
  readonly content: string;
  readonly bytes: number;
  readonly modified_ms: number;
};

/** The objects in `file`, which is made if need be. Disposing closes it. */
export function sqliteStore(file: string): ObjectStore & Disposable {
  const db = new DatabaseSync(file);
  db.exec(SCHEMA);
  const content = new Contents(db);
  const rowOf = (key: ObjectKey): Row => {
    const row = db.prepare('select * from object where key = ?').get(key) as Row | undefined;
    if (row === undefined) throw new AppError('object_not_found', 'there is no such object');
    return row;
  };
  const remove = (rows: readonly Row[]): void => {
    for (const { key, content: id } of rows) {
      db.prepare('delete from object where key = ?').run(key);
      content.drop(id);
    }
  };

  return {
    async get(key, { range, signal } = {}): Promise<ObjectContent> {
      checkSignal(signal);
      const row = rowOf(key);
      const wanted = resolveRange(range, row.bytes);
      return { info: infoOf(row), range: wanted, body: content.read(row.content, wanted, signal) };
    },

    async head(key, { signal } = {}) {
      checkSignal(signal);
      return infoOf(rowOf(key));
    },

    // Written under a name of its own, and then named by one row: readers see all of it or what was there before.
    async put(key, body, { signal } = {}): Promise<PutResult> {
      checkSignal(signal);
      const id = randomUUID();
      try {
        const bytes = await content.write(id, body, signal);
        const before = db.prepare('select * from object where key = ?').get(key) as Row | undefined;
        // Forces the log to the disk, and so everything that was written to it before.
        db.exec('pragma synchronous = full');
        db.prepare('insert or replace into object values (?, ?, ?, ?)').run(key, id, bytes, Date.now());
        db.exec('pragma synchronous = normal');
        if (before !== undefined) content.drop(before.content);
        return { key, bytes, etag: id };
      } catch (error) {
        content.drop(id);
        throw error;
      }
    },

    async *list(prefix, { signal } = {}) {
      checkSignal(signal);
      for (const row of rowsBelow(db, prefix)) yield infoOf(row);
    },

    async delete(key, { signal } = {}) {
      checkSignal(signal);
      remove(db.prepare('select * from object where key = ?').all(key) as Row[]);
    },

    async deletePrefix(prefix, { signal } = {}) {
      checkSignal(signal);
      remove(rowsBelow(db, prefix));
    },

    [Symbol.dispose]: () => db.close(),
  };
}

/** The bytes of objects, by an id that never has other ones. */
class Contents {
  readonly #db: DatabaseSync;
  readonly #readers = new Map<string, number>();
  /** Deleted, and still being read by someone who opened it before. */
  readonly #dropped = new Set<string>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** How many bytes it became. */
  async write(id: string, body: Parameters<ObjectStore['put']>[1], signal?: AbortSignal): Promise<number> {
    const insert = this.#db.prepare('insert into piece values (?, ?, ?)');
    let number = 0;
    let bytes = 0;
    for await (const piece of pieces(
      body instanceof Uint8Array ? new Blob([Uint8Array.from(body)]).stream() : body,
      signal,
    )) {
      insert.run(id, number++, piece);
      bytes += piece.length;
    }
    return bytes;
  }

  /** Offsets inclusive. The object may be deleted meanwhile. */
  read(id: string, range: { start: number; end: number }, signal?: AbortSignal): ReadableStream<Uint8Array> {
    this.#readers.set(id, (this.#readers.get(id) ?? 0) + 1);
    const select = this.#db.prepare('select data from piece where content = ? and number = ?');
    let position = range.start;
    return new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          try {
            checkSignal(signal);
            if (position > range.end) {
              this.#close(id);
              return controller.close();
            }
            const number = Math.floor(position / PIECE_BYTES);
            const { data } = select.get(id, number) as { data: Uint8Array };
            const start = number * PIECE_BYTES;
            const bytes = data.subarray(position - start, range.end + 1 - start);
            position += bytes.length;
            controller.enqueue(bytes);
          } catch (error) {
            this.#close(id);
            throw error;
          }
        },
        cancel: () => this.#close(id),
      },
      { highWaterMark: 0 },
    );
  }

  /** Nobody will open it any more. */
  drop(id: string): void {
    if (this.#readers.has(id)) this.#dropped.add(id);
    else this.#db.prepare('delete from piece where content = ?').run(id);
  }

  #close(id: string): void {
    const left = (this.#readers.get(id) ?? 1) - 1;
    if (left > 0) return void this.#readers.set(id, left);
    this.#readers.delete(id);
    if (this.#dropped.delete(id)) this.drop(id);
  }
}

/** What comes in, cut into rows. Gives up with `aborted` once `signal` has fired, even while nothing comes. */
async function* pieces(body: ReadableStream<Uint8Array>, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  const giveUp = (): void => void reader.cancel(signal?.reason).catch(() => {});
  signal?.addEventListener('abort', giveUp, { once: true });
  let collected: Uint8Array = new Uint8Array(0);
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      collected = Buffer.concat([collected, next.value]);
      for (; collected.length >= PIECE_BYTES; collected = collected.subarray(PIECE_BYTES))
        yield collected.subarray(0, PIECE_BYTES);
    }
    checkSignal(signal);
    if (collected.length > 0) yield collected;
  } finally {
    signal?.removeEventListener('abort', giveUp);
    await reader.cancel().catch(() => {});
  }
}

/** Whole parts: `a/b` finds `a/b/c`, and neither `a/bc` nor `a/b`. `0` follows `/` in the order of bytes. */
function rowsBelow(db: DatabaseSync, prefix: ObjectKey | ''): Row[] {
  if (prefix === '') return db.prepare('select * from object').all() as Row[];
  return db
    .prepare('select * from object where key > ? and key < ?')
    .all(`${prefix}/`, `${prefix}0`) as Row[];
}

function infoOf({ key, content, bytes, modified_ms: modifiedMs }: Row): ObjectInfo {
  return { key: parseObjectKey(key), bytes, modifiedAt: new Date(modifiedMs), etag: content };
}

function checkSignal(signal: ReadOptions['signal']): void {
  if (signal?.aborted) throw new AppError('aborted', 'given up', { cause: signal.reason });
}
