/** Opening a source inside the child: bytes come from the server, the demuxer is forced, nothing else is reachable. */
import { AVERROR_EOF, AVSEEK_CUR, AVSEEK_END, AVSEEK_SET, AVSEEK_SIZE } from 'node-av/constants';
import { Dictionary, FormatContext, InputFormat, IOContext, type Stream } from 'node-av/lib';
import { AppError } from '../../errors.ts';
import type { SourceHandle } from '../protocol.ts';
import type { Connection } from './connection.ts';

/** One request to the server for each mebibyte: the index of a two-hour file is four of them. */
export const READ_BYTES = 1024 * 1024;
/** FFmpeg's EIO, as its callbacks must return it. */
const AVERROR_EIO = -5;
/** A file may hold no more tracks: each costs memory before anything is decided about it. */
const MAX_STREAMS = 64;

/** An opened source. One job uses it at a time. */
export type OpenSource = {
  readonly format: FormatContext;
  readonly streams: readonly Stream[];
  readonly handle: SourceHandle;
  /** Throws what reading met, if it was not FFmpeg's fault. Call it when FFmpeg reports an error. */
  throwIfReadFailed(): void;
  /** Resolves when work may go on: see Connection.pause. */
  pause(): Promise<void>;
  close(): void;
};

/** Opens with the demuxer that sniffing chose. Throws `source_damaged`, or what reading met. */
export async function openSource(connection: Connection, handle: SourceHandle): Promise<OpenSource> {
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
  return {
    format,
    streams: format.streams,
    handle,
    throwIfReadFailed,
    close,
    pause: () => connection.pause(),
  };
}

/** Needed where streams are found by reading on (no index in front), and for inspection. */
export async function findStreams(source: OpenSource): Promise<OpenSource> {
  await source.format.findStreamInfo(null);
  source.throwIfReadFailed();
  return { ...source, streams: source.format.streams };
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
