/** Opening a source inside the child: bytes come from the server, the demuxer is forced, nothing else is reachable. */
import {
  AVDISCARD_ALL,
  AVDISCARD_DEFAULT,
  AVERROR_EOF,
  AVSEEK_CUR,
  AVSEEK_END,
  AVSEEK_SET,
  AVSEEK_SIZE,
  type AVSeekFlag,
} from 'node-av/constants';
import { Dictionary, FormatContext, InputFormat, IOContext, type Packet, type Stream } from 'node-av/lib';
import { AppError } from '../../errors.ts';
import type { SourceHandle } from '../protocol.ts';
import type { Connection } from './connection.ts';

/** One request to the server for each mebibyte: the index of a two-hour file is four of them. */
export const READ_BYTES = 1024 * 1024;
/** FFmpeg's EIO, as its callbacks must return it. */
const AVERROR_EIO = -5;
/** A file may hold no more tracks: each costs memory before anything is decided about it. */
const MAX_STREAMS = 64;

/**
 * An opened source. One job uses it at a time. Its streams are new ones after {@link OpenSource.reopen}: hold their
 * indexes, not them.
 */
export class OpenSource {
  readonly handle: SourceHandle;
  readonly #connection: Connection;
  #opened: OpenedFormat;
  #streams: readonly Stream[] | undefined;
  /** Seen: the index that FFmpeg seeks by knows nothing near most places (see MAX_LEAD_SECONDS). */
  isIndexSparse = false;
  #isProbed = false;
  /** Nothing was read or sought yet. */
  #isAtStart = true;

  private constructor(connection: Connection, handle: SourceHandle, opened: OpenedFormat) {
    this.#connection = connection;
    this.handle = handle;
    this.#opened = opened;
  }

  /** Opens with the demuxer that sniffing chose. Throws `source_damaged`, or what reading met. */
  static async open(connection: Connection, handle: SourceHandle): Promise<OpenSource> {
    return new OpenSource(connection, handle, await openFormat(connection, handle));
  }

  get format(): FormatContext {
    return this.#opened.format;
  }

  /** The same objects until streams are found or the file is opened anew. */
  get streams(): readonly Stream[] {
    return (this.#streams ??= this.format.streams);
  }

  /** Needed where streams are found by reading on (no index in front), and for inspection. */
  async findStreams(): Promise<void> {
    this.#isProbed = true;
    await this.format.findStreamInfo(null);
    this.#streams = undefined;
    this.throwIfReadFailed();
  }

  /** From now on, packets of these tracks alone are read. */
  readOnly(streamIndexes: Iterable<number>): void {
    const indexes = new Set(streamIndexes);
    for (const stream of this.streams) {
      stream.discard = indexes.has(stream.index) ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    }
  }

  /** From now on, packets of all tracks are read. */
  readAll(): void {
    for (const stream of this.streams) stream.discard = AVDISCARD_DEFAULT;
  }

  /** The next packet, or a negative error of FFmpeg. */
  readFrame(packet: Packet): Promise<number> {
    this.#isAtStart = false;
    return this.format.readFrame(packet);
  }

  /** Whether FFmpeg found a place there. */
  async seekFrame(streamIndex: number, timestamp: bigint, flags: AVSeekFlag): Promise<boolean> {
    this.#isAtStart = false;
    const result = await this.format.seekFrame(streamIndex, timestamp, flags);
    this.throwIfReadFailed();
    return result >= 0;
  }

  /** Back to where a newly opened file is, whatever the container's seeking is worth (docs/decisions/095). */
  async reopen(): Promise<void> {
    if (this.#isAtStart) return;
    this.#opened.close();
    this.#streams = undefined;
    this.#opened = await openFormat(this.#connection, this.handle);
    if (this.#isProbed) await this.findStreams();
    this.#isAtStart = true;
  }

  /** Throws what reading met, if it was not FFmpeg's fault. Call it when FFmpeg reports an error. */
  throwIfReadFailed(): void {
    this.#opened.throwIfReadFailed();
  }

  /** Resolves when work may go on: see Connection.pause. */
  pause(): Promise<void> {
    return this.#connection.pause();
  }
}

type OpenedFormat = {
  readonly format: FormatContext;
  throwIfReadFailed(): void;
  close(): void;
};

async function openFormat(connection: Connection, handle: SourceHandle): Promise<OpenedFormat> {
  let position = 0;
  let failure: unknown;
  const io = new IOContext();
  io.allocContextWithCallbacks(
    READ_BYTES,
    0,
    async (length) => {
      try {
        const wanted = Math.min(length, handle.bytes - position);
        if (wanted <= 0) return AVERROR_EOF;
        const bytes = await connection.read(position, wanted);
        position += bytes.length;
        return bytes.length === 0 ? AVERROR_EOF : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      } catch (error) {
        failure ??= error;
        return AVERROR_EIO;
      }
    },
    null,
    (offset, whence) => {
      const target = seekTarget(Number(offset), whence, position, handle.bytes);
      if (whence === AVSEEK_SIZE) return BigInt(handle.bytes);
      if (target < 0) return AVERROR_EIO;
      position = target;
      return BigInt(position);
    },
  );
  const format = new FormatContext();
  format.allocContext();
  format.pb = io;
  const close = (): void => {
    format.closeInputSync();
    io.freeContext();
  };
  const throwIfReadFailed = (): void => {
    if (failure !== undefined) throw failure;
  };
  const result = await format.openInput(
    '',
    InputFormat.findInputFormat(handle.container),
    openOptions(handle),
  );
  if (result < 0) {
    throwIfReadFailed();
    throw new AppError('source_damaged', 'the file is cut off or damaged: its structure cannot be read');
  }
  return { format, throwIfReadFailed, close };
}

function openOptions(handle: SourceHandle): Dictionary {
  return Dictionary.fromObject({
    // No protocol has this name: whatever a file refers to, nothing can be opened.
    protocol_whitelist: 'none',
    format_whitelist: InputFormat.findInputFormat(handle.container)?.name ?? 'none',
    max_streams: MAX_STREAMS,
    ...(handle.container === 'mov' ? { enable_drefs: 0, use_absolute_path: 0 } : {}),
  });
}

function seekTarget(offset: number, whence: number, position: number, size: number): number {
  if (whence === AVSEEK_SET) return offset;
  if (whence === AVSEEK_CUR) return position + offset;
  return whence === AVSEEK_END ? size + offset : -1;
}
