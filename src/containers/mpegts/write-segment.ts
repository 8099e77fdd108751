/**
 * One HLS segment as an MPEG transport stream (ISO/IEC 13818-1, RFC 8216bis 3.1.1): tables first, then pictures and
 * sound in the order of decoding.
 *
 * Any segment can be written without having written those before it. Continuity counters have four bits and count
 * the packets of a PID that carry payload (2.4.3.3): so that they go on over segments that know nothing of each
 * other, each PID gets a multiple of sixteen packets in a segment, and begins with 0 in every one. The tables are
 * sent once in a segment, so theirs is the segment's number.
 */
import { CLOCK_HZ, PACKET_BYTES, PID, SYNC_BYTE, wrapped } from './packet.ts';
import { associationTablePacket, mapTablePacket, type Streams } from './write-tables.ts';

/** What becomes one PES packet: a picture, or some frames of sound. Times in ticks of 90 kHz, not yet wrapped. */
export type TransportUnit = {
  readonly decodeTicks: number;
  readonly presentationTicks: number;
  /** A decoder can begin here. */
  readonly isRandomAccess: boolean;
  /** An access unit in Annex B, with its delimiter; ADTS frames. */
  readonly data: Uint8Array;
};

export type TransportSegment = {
  /** From 0: continuity counters follow from it. */
  readonly index: number;
  /** In decoding order. Absent, not empty, where the whole stream has none of it. */
  readonly video?: readonly TransportUnit[];
  readonly audio?: readonly TransportUnit[];
};

/** 2.4.3.3: the counter's range, and so what the packets of a PID are a multiple of. */
const COUNTER_RANGE = 16;
const HEADER_BYTES = 4;
const PAYLOAD_BYTES = PACKET_BYTES - HEADER_BYTES;
/** adaptation_field_length, flags, and a PCR (2.4.3.4). */
const CLOCK_FIELD_BYTES = 8;
/** By so much the clock runs behind decoding: the time that data may lie in a decoder's buffer. FFmpeg's choice too. */
const CLOCK_DELAY_TICKS = 0.7 * CLOCK_HZ;
/** 2.7.2: no more between two clock references. */
const CLOCK_INTERVAL_TICKS = 0.1 * CLOCK_HZ;
const STREAM_ID = { video: 0xe0, audio: 0xc0 } as const;

/** The bytes of the segment; the same segment gives the same bytes. */
export function writeTransportSegment(segment: TransportSegment): Uint8Array<ArrayBuffer> {
  const streams = { hasVideo: segment.video !== undefined, hasAudio: segment.audio !== undefined };
  const items = interleave(segment, streams);
  for (const pid of [PID.video, PID.audio]) padToCounterRange(items.filter((item) => item.pid === pid));
  const packets = items.reduce((sum, item) => sum + item.packets, 2);
  const bytes = new Uint8Array(packets * PACKET_BYTES);
  bytes.set(associationTablePacket(segment.index), 0);
  bytes.set(mapTablePacket(segment.index, streams), PACKET_BYTES);
  const counters = { [PID.video]: 0, [PID.audio]: 0 };
  let at = 2 * PACKET_BYTES;
  for (const item of items) {
    if (item.unit === undefined) writeClockPacket(bytes, at, item, counters[item.pid]);
    else writeUnit(bytes, at, item, item.unit, counters[item.pid]);
    if (item.unit !== undefined) counters[item.pid] += item.packets;
    at += item.packets * PACKET_BYTES;
  }
  return bytes;
}

type StreamPid = typeof PID.video | typeof PID.audio;

/** A PES packet, or without `unit` a packet that has nothing but the clock. */
type Item = {
  readonly pid: StreamPid;
  readonly unit?: TransportUnit;
  readonly header: Uint8Array;
  /** The clock reference that goes with it; not yet wrapped. */
  readonly clockTicks?: number;
  packets: number;
};

function interleave({ video = [], audio = [] }: TransportSegment, { hasVideo }: Streams): readonly Item[] {
  const clockPid = hasVideo ? PID.video : PID.audio;
  const items: Item[] = [];
  let lastClock: number | undefined;
  let [v, a] = [0, 0];
  while (v < video.length || a < audio.length) {
    const picture = video[v];
    const sound = audio[a];
    const isPicture =
      picture !== undefined && (sound === undefined || picture.decodeTicks <= sound.decodeTicks);
    const unit = (isPicture ? picture : sound)!;
    const pid = isPicture ? PID.video : PID.audio;
    if (isPicture) v++;
    else a++;
    const clock = unit.decodeTicks - CLOCK_DELAY_TICKS;
    while (lastClock !== undefined && clock - lastClock > CLOCK_INTERVAL_TICKS) {
      lastClock += CLOCK_INTERVAL_TICKS;
      items.push({ pid: clockPid, header: new Uint8Array(), clockTicks: lastClock, packets: 1 });
    }
    const carriesClock = pid === clockPid;
    if (carriesClock) lastClock = clock;
    items.push(itemOf(pid, unit, carriesClock ? clock : undefined));
  }
  return items;
}

function itemOf(pid: StreamPid, unit: TransportUnit, clockTicks: number | undefined): Item {
  const header = pesHeader(pid, unit);
  const item = { pid, unit, header, packets: 0, ...(clockTicks === undefined ? {} : { clockTicks }) };
  const rest = header.length + unit.data.length - (PAYLOAD_BYTES - adaptationBytes(item));
  return { ...item, packets: 1 + Math.max(0, Math.ceil(rest / PAYLOAD_BYTES)) };
}

/**
 * Spreads the largest unit over more packets than it needs. One that is alone in a segment has a header of 14 bytes
 * and an ADTS frame at least, so there is always a byte for each of sixteen packets.
 */
function padToCounterRange(items: readonly Item[]): void {
  const units = items.filter(({ unit }) => unit !== undefined);
  const packets = units.reduce((sum, item) => sum + item.packets, 0);
  const largest = units.reduce<Item | undefined>(
    (a, b) => (a === undefined || b.unit!.data.length > a.unit!.data.length ? b : a),
    undefined,
  );
  if (largest !== undefined) largest.packets += (COUNTER_RANGE - (packets % COUNTER_RANGE)) % COUNTER_RANGE;
}

/** Of the adaptation field that the first packet of a unit needs for what it says. */
function adaptationBytes({ clockTicks, unit }: Pick<Item, 'clockTicks' | 'unit'>): number {
  if (clockTicks !== undefined) return CLOCK_FIELD_BYTES;
  return unit?.isRandomAccess === true ? 2 : 0;
}

/** 2.4.3.6 */
function pesHeader(pid: StreamPid, { presentationTicks, decodeTicks, data }: TransportUnit): Uint8Array {
  const hasDecodeTime = decodeTicks !== presentationTicks;
  const timeBytes = hasDecodeTime ? 10 : 5;
  const length = 3 + timeBytes + data.length;
  const header = new Uint8Array(9 + timeBytes);
  const isVideo = pid === PID.video;
  // 2.4.3.7: 0 is allowed for video, whose pictures may be larger than 16 bits can say.
  const saidLength = length > 0xffff ? 0 : length;
  if (saidLength === 0 && !isVideo) throw new RangeError('a packet of sound is too long');
  header.set([0, 0, 1, isVideo ? STREAM_ID.video : STREAM_ID.audio, saidLength >>> 8, saidLength & 0xff]);
  // data_alignment_indicator; which times follow; how many bytes of header are to come.
  header.set([0x84, hasDecodeTime ? 0xc0 : 0x80, timeBytes], 6);
  writeTime(header, 9, hasDecodeTime ? 0x30 : 0x20, presentationTicks);
  if (hasDecodeTime) writeTime(header, 14, 0x10, decodeTicks);
  return header;
}

/** 33 bits in five bytes, with marker bits between. */
function writeTime(bytes: Uint8Array, at: number, prefix: number, ticks: number): void {
  const time = wrapped(ticks);
  bytes[at] = prefix | (Math.floor(time / 2 ** 30) << 1) | 1;
  bytes[at + 1] = (time / 2 ** 22) & 0xff;
  bytes[at + 2] = ((time / 2 ** 14) & 0xfe) | 1;
  bytes[at + 3] = (time / 2 ** 7) & 0xff;
  bytes[at + 4] = ((time << 1) & 0xfe) | 1;
}

function writeUnit(bytes: Uint8Array, start: number, item: Item, unit: TransportUnit, counter: number): void {
  const { header, packets } = item;
  const total = header.length + unit.data.length;
  let written = 0;
  for (let i = 0; i < packets; i++) {
    const at = start + i * PACKET_BYTES;
    const fieldBytes = i === 0 ? adaptationBytes(item) : 0;
    // Each packet to come gets a byte at least.
    const payload = Math.min(PAYLOAD_BYTES - fieldBytes, total - written - (packets - 1 - i));
    const stuffing = PAYLOAD_BYTES - fieldBytes - payload;
    writePacketHeader(bytes, at, item.pid, {
      startsUnit: i === 0,
      hasField: fieldBytes + stuffing > 0,
      counter: counter + i,
    });
    if (fieldBytes + stuffing > 0)
      writeField(bytes, at + HEADER_BYTES, fieldBytes + stuffing, i === 0 ? item : undefined);
    const target = at + PACKET_BYTES - payload;
    const fromHeader = Math.max(0, Math.min(payload, header.length - written));
    if (fromHeader > 0) bytes.set(header.subarray(written, written + fromHeader), target);
    const from = written + fromHeader - header.length;
    bytes.set(unit.data.subarray(from, from + payload - fromHeader), target + fromHeader);
    written += payload;
  }
}

/** 2.4.3.3: the counter does not go on with a packet without payload, so it repeats the one before. */
function writeClockPacket(bytes: Uint8Array, at: number, item: Item, counter: number): void {
  bytes.set([SYNC_BYTE, item.pid >>> 8, item.pid & 0xff, 0x20 | ((counter + COUNTER_RANGE - 1) & 0x0f)], at);
  writeField(bytes, at + HEADER_BYTES, PAYLOAD_BYTES, item);
}

type PacketHeader = { readonly startsUnit: boolean; readonly hasField: boolean; readonly counter: number };

function writePacketHeader(bytes: Uint8Array, at: number, pid: number, header: PacketHeader): void {
  bytes[at] = SYNC_BYTE;
  bytes[at + 1] = (header.startsUnit ? 0x40 : 0) | (pid >>> 8);
  bytes[at + 2] = pid & 0xff;
  bytes[at + 3] = (header.hasField ? 0x30 : 0x10) | (header.counter & 0x0f);
}

/** An adaptation field of `length` bytes in all (2.4.3.4); what it does not need is stuffing. */
function writeField(bytes: Uint8Array, at: number, length: number, item: Item | undefined): void {
  bytes[at] = length - 1;
  if (length === 1) return;
  const hasClock = item?.clockTicks !== undefined;
  bytes[at + 1] = (item?.unit?.isRandomAccess === true ? 0x40 : 0) | (hasClock ? 0x10 : 0);
  bytes.fill(0xff, at + 2, at + length);
  if (hasClock) writeClock(bytes, at + 2, item.clockTicks!);
}

/** 33 bits of the base, six reserved ones, nine bits of an extension that is 0. */
function writeClock(bytes: Uint8Array, at: number, ticks: number): void {
  const base = wrapped(Math.round(ticks));
  bytes[at] = (base / 2 ** 25) & 0xff;
  bytes[at + 1] = (base / 2 ** 17) & 0xff;
  bytes[at + 2] = (base / 2 ** 9) & 0xff;
  bytes[at + 3] = (base / 2) & 0xff;
  bytes[at + 4] = ((base & 1) << 7) | 0x7e;
  bytes[at + 5] = 0;
}
