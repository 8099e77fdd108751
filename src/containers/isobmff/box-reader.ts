/** Reads boxes (ISO/IEC 14496-12 4.2) of files that nobody vouches for: every size is checked before use. */
import { AppError } from '../../errors.ts';

/** Real files nest about eight deep; a hostile one must not use up the stack. */
const MAX_DEPTH = 16;

/** A box, as offsets into the bytes that were parsed. */
export type Box = {
  /** Four characters. */
  readonly type: string;
  /** Of the box's first byte. */
  readonly start: number;
  /** Of the first byte after its header. */
  readonly contentStart: number;
  /** Exclusive. */
  readonly end: number;
  readonly depth: number;
};

/** A cursor over part of a file. Every read throws `source_damaged` instead of passing the end. */
export class ByteReader {
  readonly #view: DataView;
  readonly #end: number;
  #offset: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#offset = start;
    this.#end = end;
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#end - this.#offset;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  u24(): number {
    return this.u8() * 0x10000 + this.u16();
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4));
  }

  /** 64 bits; what is too large to be exact is damage, not media. */
  u64(): number {
    return exact(this.#view.getBigUint64(this.#take(8)));
  }

  i64(): number {
    return exact(this.#view.getBigInt64(this.#take(8)));
  }

  fourCharacterCode(): string {
    return String.fromCharCode(this.u8(), this.u8(), this.u8(), this.u8());
  }

  bytes(count: number): Uint8Array {
    const at = this.#take(count);
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + at, count);
  }

  skip(count: number): void {
    this.#take(count);
  }

  #take(count: number): number {
    if (count > this.remaining)
      throw new AppError('source_damaged', 'an MP4 box is shorter than what it says');
    const at = this.#offset;
    this.#offset += count;
    return at;
  }
}

/** The boxes one after the other in a whole file, or with `parent` given, directly inside that box. */
export function readBoxes(bytes: Uint8Array, parent?: Box, skipBytes = 0): Box[] {
  const depth = parent === undefined ? 0 : parent.depth + 1;
  if (depth > MAX_DEPTH) throw new AppError('source_damaged', 'MP4 boxes are nested too deeply');
  const end = parent?.end ?? bytes.length;
  const boxes: Box[] = [];
  let start = (parent?.contentStart ?? 0) + skipBytes;
  while (start < end) {
    const box = readBoxHeader(bytes, start, end, depth);
    boxes.push(box);
    start = box.end;
  }
  return boxes;
}

/** The first box of `type` among `boxes`, or undefined. */
export function findBox(boxes: readonly Box[], type: string): Box | undefined {
  return boxes.find((box) => box.type === type);
}

/** As {@link findBox}, but throws `source_damaged` when it is not there. */
export function requireBox(boxes: readonly Box[], type: string): Box {
  const found = findBox(boxes, type);
  if (found === undefined)
    throw new AppError('source_damaged', `the MP4 file has no "${type}" box where one must be`);
  return found;
}

/** Follows `path` down from `parent`, each step the first box of that type; throws `source_damaged` if one is missing. */
export function requirePath(bytes: Uint8Array, parent: Box, path: readonly string[]): Box {
  return path.reduce((box, type) => requireBox(readBoxes(bytes, box), type), parent);
}

/** A cursor over the content of a box. */
export function contentOf(bytes: Uint8Array, box: Box): ByteReader {
  return new ByteReader(bytes, box.contentStart, box.end);
}

/** A cursor over the content of a FullBox, behind its version and flags (4.2.2). */
export function fullBoxContentOf(bytes: Uint8Array, box: Box) {
  const reader = contentOf(bytes, box);
  return { version: reader.u8(), flags: reader.u24(), reader };
}

function readBoxHeader(bytes: Uint8Array, start: number, end: number, depth: number): Box {
  const reader = new ByteReader(bytes, start, end);
  const size = reader.u32();
  const type = reader.fourCharacterCode();
  // 4.2.2: 1 says that a 64-bit size follows; 0, that the box reaches to the end of the file.
  const fullSize = size === 1 ? reader.u64() : size === 0 && depth === 0 ? end - start : size;
  if (fullSize < reader.offset - start)
    throw new AppError('source_damaged', 'an MP4 box has an impossible size');
  if (fullSize > end - start)
    throw new AppError('source_damaged', 'the MP4 file is cut off in the middle of a box');
  return { type, start, contentStart: reader.offset, end: start + fullSize, depth };
}

function exact(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number))
    throw new AppError('source_damaged', 'a number in an MP4 box is out of range');
  return number;
}
