/** Writing a stream to the end of a file: fast, in little memory, and durable when it is over. */
import type { FileHandle } from 'node:fs/promises';
import { AppError } from '../errors.ts';
import { eachChunk } from './abort.ts';
import { storeError } from './file-system-errors.ts';
import type { ReadOptions } from './object-store.ts';

/** Collected before it is written, while the write before is under way: at most twice this in memory. */
const WRITE_BYTES = 1024 * 1024;
/** Written, then forced to the disk while more arrives, so that little is left to do at the end. */
const SYNC_BYTES = 32 * 1024 * 1024;

/**
 * Writes `body` at `offset`, the end of `file`, and resolves with the new size, durable. When the body fails or
 * `signal` fires, what had arrived is kept, durable, and then the error is thrown (`aborted` for the signal,
 * the body's own otherwise). `limitBytes` is of the whole file: `source_too_large` beyond, with what fits kept.
 * Throws `object_store_full` and `object_store_failed`.
 */
export async function appendStream(
  file: FileHandle,
  offset: number,
  body: ReadableStream<Uint8Array>,
  options: ReadOptions & { readonly limitBytes: number },
): Promise<number> {
  const writer = new FileAppender(file, offset);
  try {
    await eachChunk(body, options.signal, async (bytes) => {
      const room = options.limitBytes - writer.size;
      await writer.add(bytes.subarray(0, room));
      if (bytes.length > room) {
        throw new AppError('source_too_large', `no more than ${options.limitBytes} bytes are taken`);
      }
    });
  } catch (error) {
    await writer.finish().catch(() => {});
    throw error;
  }
  return writer.finish();
}

/** Appends to a file, one write at a time, while the next is being collected. */
class FileAppender {
  /** Bytes of the file once everything that was added is written. */
  size: number;
  readonly #file: FileHandle;
  /** Up to here the file is certainly on the disk. */
  #durableBytes: number;
  #writtenBytes: number;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #syncing: Promise<void> | undefined;
  /** Why the disk did not take it. It says so once: the next sync would succeed (PostgreSQL's "fsyncgate"). */
  #syncFailure: unknown;

  constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.size = size;
    this.#durableBytes = size;
    this.#writtenBytes = size;
  }

  async add(bytes: Uint8Array): Promise<void> {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    this.size += bytes.length;
    if (this.#pendingBytes < WRITE_BYTES) return;
    await this.#writing;
    this.#writing = this.#writePending();
    // Whoever awaits it next is told; until then it is not "unhandled".
    this.#writing.catch(() => {});
  }

  /** The size of the file, all of it on the disk. */
  async finish(): Promise<number> {
    try {
      await this.#writing;
      await this.#writePending();
    } finally {
      await this.#syncing;
      await this.#sync();
      await this.#dropWhatIsNotDurable();
    }
    return this.size;
  }

  async #writePending(): Promise<void> {
    const bytes = this.#pending;
    const count = this.#pendingBytes;
    if (count === 0) return;
    if (this.#syncFailure !== undefined) throw storeError(this.#syncFailure);
    this.#pending = [];
    this.#pendingBytes = 0;
    await this.#writeAll(bytes).catch((error: unknown) => {
      throw storeError(error);
    });
    if (this.#writtenBytes - this.#durableBytes < SYNC_BYTES || this.#syncing !== undefined) return;
    this.#syncing = this.#sync().finally(() => {
      this.#syncing = undefined;
    });
  }

  /** A full disk may take some of the bytes: those count as written. */
  async #writeAll(chunks: readonly Uint8Array[]): Promise<void> {
    let left = chunks;
    while (left.length > 0) {
      const { bytesWritten } = await this.#file.writev(left, this.#writtenBytes);
      this.#writtenBytes += bytesWritten;
      left = withoutFirst(left, bytesWritten);
    }
  }

  /** Never rejects: `#syncFailure`. */
  async #sync(): Promise<void> {
    if (this.#syncFailure !== undefined) return;
    const bytes = this.#writtenBytes;
    try {
      await this.#file.datasync();
      this.#durableBytes = bytes;
    } catch (error) {
      this.#syncFailure = error;
    }
  }

  /** What the disk did take is right, and stays. */
  async #dropWhatIsNotDurable(): Promise<void> {
    if (this.#syncFailure === undefined) return;
    await this.#file.truncate(this.#durableBytes).catch(() => {});
    throw storeError(this.#syncFailure);
  }
}

function withoutFirst(chunks: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let skip = bytes;
  const rest = chunks.map((chunk) => {
    const skipped = Math.min(skip, chunk.length);
    skip -= skipped;
    return chunk.subarray(skipped);
  });
  return rest.filter((chunk) => chunk.length > 0);
}
