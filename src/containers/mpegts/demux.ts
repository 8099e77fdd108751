/**
 * Takes MPEG transport streams that nobody vouches for apart (ISO/IEC 13818-1): one pass, whose memory is bounded by
 * the bytes that are given.
 */
import { AppError } from '../../errors.ts';
import { PACKET_BYTES, PID, SYNC_BYTE } from './packet.ts';

/** A PES packet (2.4.3.6). */
export type PesPacket = {
  /** As 33 bits hold them, in ticks of 90 kHz. Without a decode time of its own both are the same. */
  readonly presentationTicks: number;
  readonly decodeTicks: number;
  readonly data: Uint8Array;
};

export type ElementaryStream = {
  readonly pid: number;
  /** Table 2-34. */
  readonly streamType: number;
  /** Those that say a time; what follows one without a time belongs to it. */
  readonly packets: readonly PesPacket[];
};

/** Real programs have a handful. */
const MAX_STREAMS = 64;
/** 2.4.4.1: a section of these tables has at most 1021 bytes after its length. */
const MAX_SECTION_BYTES = 1024;

/**
 * The streams of the first program, in the order of its map. The last packet of a stream may be cut off where `bytes`
 * are. Throws `source_damaged` where there is no program, or where it is scrambled.
 */
export function demuxTransportStream(bytes: Uint8Array): readonly ElementaryStream[] {
  const demuxer = new Demuxer();
  for (let at = firstPacket(bytes, 0); at + PACKET_BYTES <= bytes.length; ) {
    if (bytes[at] !== SYNC_BYTE) {
      at = firstPacket(bytes, at);
      continue;
    }
    demuxer.add(bytes.subarray(at, at + PACKET_BYTES));
    at += PACKET_BYTES;
  }
  return demuxer.finish();
}

/** Where packets go on at or after `from`: a sync byte with another one a packet further, or with the end there. */
function firstPacket(bytes: Uint8Array, from: number): number {
  for (let at = from; at + PACKET_BYTES <= bytes.length; at++) {
    const next = at + PACKET_BYTES;
    if (bytes[at] === SYNC_BYTE && (next >= bytes.length || bytes[next] === SYNC_BYTE)) return at;
  }
  return bytes.length;
}

type OpenStream = { readonly pid: number; readonly streamType: number; readonly parts: Uint8Array[][] };

class Demuxer {
  readonly #streams = new Map<number, OpenStream>();
  readonly #sections = new Map<number, number[]>();
  #mapPid: number | undefined;

  add(packet: Uint8Array): void {
    const [, second = 0, third = 0, control = 0, fieldBytes = 0] = packet;
    const pid = ((second & 0x1f) << 8) | third;
    const hasPayload = (control & 0x10) !== 0;
    // 2.4.3.5: an adaptation field stands before the payload.
    const start = (control & 0x20) === 0 ? 4 : 5 + fieldBytes;
    if (!hasPayload || start >= PACKET_BYTES) return;
    const startsUnit = (second & 0x40) !== 0;
    const payload = packet.subarray(start);
    const stream = this.#streams.get(pid);
    if (stream !== undefined) {
      if ((control & 0xc0) !== 0) throw damaged('the transport stream is scrambled');
      if (startsUnit) stream.parts.push([payload]);
      else stream.parts.at(-1)?.push(payload);
    } else if (pid === PID.associationTable && this.#mapPid === undefined) {
      this.#addSection(pid, startsUnit, payload, (section) => this.#readAssociations(section));
    } else if (pid === this.#mapPid && this.#streams.size === 0) {
      this.#addSection(pid, startsUnit, payload, (section) => this.#readMap(section));
    }
  }

  finish(): readonly ElementaryStream[] {
    if (this.#streams.size === 0) throw damaged('the transport stream does not say what is in it');
    return [...this.#streams.values()].map(({ pid, streamType, parts }) => ({
      pid,
      streamType,
      packets: joinTimeless(parts.flatMap((each) => parsePes(concatenate(each)) ?? [])),
    }));
  }

  /** 2.4.4: a section may be spread over packets; the first says where it begins. */
  #addSection(
    pid: number,
    startsUnit: boolean,
    payload: Uint8Array,
    read: (section: readonly number[]) => void,
  ): void {
    if (startsUnit) this.#sections.set(pid, [...payload.subarray(1 + (payload[0] ?? 0))]);
    else this.#sections.get(pid)?.push(...payload);
    const section = this.#sections.get(pid) ?? [];
    const length = 3 + ((((section[1] ?? 0) & 0x0f) << 8) | (section[2] ?? 0));
    if (section.length >= 3 && section.length >= length) {
      this.#sections.delete(pid);
      read(section.slice(0, length));
    } else if (section.length > MAX_SECTION_BYTES) this.#sections.delete(pid);
  }

  /** 2.4.4.3: the first program that is one; number 0 is the network. */
  #readAssociations(section: readonly number[]): void {
    for (let at = 8; at + 4 <= section.length - 4; at += 4) {
      const program = (section[at]! << 8) | section[at + 1]!;
      if (program !== 0) {
        this.#mapPid = ((section[at + 2]! & 0x1f) << 8) | section[at + 3]!;
        return;
      }
    }
  }

  /** 2.4.4.8 */
  #readMap(section: readonly number[]): void {
    let at = 12 + ((((section[10] ?? 0) & 0x0f) << 8) | (section[11] ?? 0));
    while (at + 5 <= section.length - 4 && this.#streams.size < MAX_STREAMS) {
      const pid = ((section[at + 1]! & 0x1f) << 8) | section[at + 2]!;
      this.#streams.set(pid, { pid, streamType: section[at]!, parts: [] });
      at += 5 + (((section[at + 3]! & 0x0f) << 8) | section[at + 4]!);
    }
  }
}

type ParsedPes = Partial<PesPacket> & { readonly data: Uint8Array };

/** Undefined for what is none, and where not even its header is there. */
function parsePes(bytes: Uint8Array): ParsedPes | undefined {
  const headerBytes = 9 + (bytes[8] ?? 0);
  if (bytes.length < headerBytes || bytes[0] !== 0 || bytes[1] !== 0 || bytes[2] !== 1) return undefined;
  const length = (bytes[4]! << 8) | bytes[5]!;
  const data = bytes.subarray(headerBytes, length === 0 ? bytes.length : Math.max(headerBytes, 6 + length));
  const times = bytes[7]! >> 6;
  if (times < 2 || bytes[8]! < (times === 3 ? 10 : 5)) return { data };
  const presentationTicks = timeAt(bytes, 9);
  return { presentationTicks, decodeTicks: times === 3 ? timeAt(bytes, 14) : presentationTicks, data };
}

function timeAt(bytes: Uint8Array, at: number): number {
  const high = (bytes[at]! >> 1) & 7;
  const middle = (bytes[at + 1]! << 7) | (bytes[at + 2]! >> 1);
  const low = (bytes[at + 3]! << 7) | (bytes[at + 4]! >> 1);
  return high * 2 ** 30 + middle * 2 ** 15 + low;
}

/** A packet without a time goes on with what the one before began. */
function joinTimeless(packets: readonly ParsedPes[]): readonly PesPacket[] {
  const joined: { presentationTicks: number; decodeTicks: number; parts: Uint8Array[] }[] = [];
  for (const { presentationTicks, decodeTicks, data } of packets) {
    if (presentationTicks === undefined || decodeTicks === undefined) joined.at(-1)?.parts.push(data);
    else joined.push({ presentationTicks, decodeTicks, parts: [data] });
  }
  return joined.map(({ parts, ...times }) => ({ ...times, data: concatenate(parts) }));
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function damaged(message: string): AppError {
  return new AppError('source_damaged', message);
}
