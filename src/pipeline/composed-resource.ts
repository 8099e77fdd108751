/** A file that is put together as it is read, from bytes in memory and parts of stored media. */
import { createHash } from 'node:crypto';
import { AppError } from '../errors.ts';
import type { MediaPart, Piece, StoredMedia } from '../formats/format.ts';
import type { ByteRange } from '../media/byte-range.ts';
import type { Resource } from './resource.ts';

/** What lies where in the file. */
export type Layout = {
  readonly pieces: readonly Piece[];
  /** Where each piece begins, and at the end where the last one ends. */
  readonly offsets: Float64Array;
  readonly etag: string;
  /** What it takes in memory. */
  readonly heldBytes: number;
};

/** Gives a stored object, of which `willRead` is opened first; throws what cannot be had. */
export type OpenMedia = (media: StoredMedia, signal: AbortSignal, willRead: ByteRange) => Promise<Resource>;

/** About what a part costs beside its bytes. */
const PART_BYTES = 100;

/**
 * `identity` names the source and how it is cut: stored media of one identity are the same bytes whenever and
 * wherever they are made (docs/decisions/055), so it and the bytes in memory stand for all bytes.
 */
export function layOut(pieces: readonly Piece[], identity: string): Layout {
  const offsets = new Float64Array(pieces.length + 1);
  const hash = createHash('sha256').update(identity);
  let heldBytes = 0;
  pieces.forEach((piece, index) => {
    offsets[index + 1] = offsets[index]! + sizeOf(piece);
    heldBytes += PART_BYTES;
    if (piece instanceof Uint8Array) {
      hash.update(piece);
      heldBytes += piece.byteLength;
    }
  });
  return { pieces, offsets, heldBytes, etag: hash.digest('base64url').slice(0, 22) };
}

/** One part is open at a time, and read no faster than the reader takes it. */
export function composedResource(
  layout: Layout,
  openMedia: OpenMedia,
  about: { readonly mediaType: string; readonly fileName: string },
): Resource {
  const bytes = layout.offsets.at(-1)!;
  return {
    ...about,
    bytes,
    etag: layout.etag,
    // The address says nothing of the revision.
    isImmutable: false,
    open: async (range = { start: 0, end: bytes - 1 }, signal = new AbortController().signal) =>
      ReadableStream.from(read(layout, openMedia, range, signal)),
  };
}

async function* read(
  { pieces, offsets }: Layout,
  openMedia: OpenMedia,
  range: { readonly start: number; readonly end: number },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for (let index = pieceAt(offsets, range.start); index < pieces.length; index++) {
    const pieceStart = offsets[index]!;
    if (pieceStart > range.end) return;
    const from = Math.max(0, range.start - pieceStart);
    const to = Math.min(offsets[index + 1]! - 1, range.end) - pieceStart;
    const piece = pieces[index]!;
    if (piece instanceof Uint8Array) yield piece.subarray(from, to + 1);
    else yield* readPart(openMedia, piece, piece.start + from, piece.start + to, signal);
  }
}

async function* readPart(
  openMedia: OpenMedia,
  part: MediaPart,
  start: number,
  end: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const resource = await openMedia(part, signal, { start, end });
  if (part.end >= resource.bytes)
    throw new AppError('internal', 'a segment is shorter than it was when the file was put together');
  yield* await resource.open({ start, end }, signal);
}

/** The piece that holds the byte at `position`: the last one that begins at or before it and is not empty. */
function pieceAt(offsets: Float64Array, position: number): number {
  let [low, high] = [0, offsets.length - 2];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (offsets[middle]! <= position) low = middle;
    else high = middle - 1;
  }
  return low;
}

function sizeOf(piece: Piece): number {
  return piece instanceof Uint8Array ? piece.byteLength : piece.end - piece.start + 1;
}
