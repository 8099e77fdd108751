/** Program specific information: which streams there are (ISO/IEC 13818-1 2.4.4). */
import { PACKET_BYTES, PID, STREAM_TYPE, SYNC_BYTE } from './packet.ts';

const PROGRAM_NUMBER = 1;

/** The streams of the one program. */
export type Streams = { readonly hasVideo: boolean; readonly hasAudio: boolean };

/** One packet with the program association table (2.4.4.3). `counter`: how many were sent before, from the first on. */
export function associationTablePacket(counter: number): Uint8Array {
  const body = [0, PROGRAM_NUMBER, 0xe0 | (PID.mapTable >>> 8), PID.mapTable & 0xff];
  return tablePacket(PID.associationTable, counter, sectionOf(0x00, body));
}

/** One packet with the program map table (2.4.4.8). */
export function mapTablePacket(counter: number, streams: Streams): Uint8Array {
  const clockPid = streams.hasVideo ? PID.video : PID.audio;
  const body = [
    ...pidField(clockPid),
    0xf0, // program_info_length
    0,
    ...(streams.hasVideo ? [STREAM_TYPE.h264, ...pidField(PID.video), 0xf0, 0] : []),
    ...(streams.hasAudio ? [STREAM_TYPE.adts, ...pidField(PID.audio), 0xf0, 0] : []),
  ];
  return tablePacket(PID.mapTable, counter, sectionOf(0x02, body));
}

function pidField(pid: number): readonly number[] {
  return [0xe0 | (pid >>> 8), pid & 0xff];
}

/** Version 0, in force, the only section; the stream's and the program's number are both 1. */
function sectionOf(tableId: number, body: readonly number[]): readonly number[] {
  const length = 5 + body.length + 4;
  const section = [tableId, 0xb0 | (length >>> 8), length & 0xff, 0, PROGRAM_NUMBER, 0xc1, 0, 0, ...body];
  const crc = crc32(section);
  return [...section, crc >>> 24, (crc >>> 16) & 0xff, (crc >>> 8) & 0xff, crc & 0xff];
}

function tablePacket(pid: number, counter: number, section: readonly number[]): Uint8Array {
  const packet = new Uint8Array(PACKET_BYTES).fill(0xff);
  // payload_unit_start_indicator; payload only; pointer_field 0.
  packet.set([SYNC_BYTE, 0x40 | (pid >>> 8), pid & 0xff, 0x10 | (counter & 0x0f), 0, ...section]);
  return packet;
}

/** Annex A: polynomial 0x04C11DB7, most significant bit first, begun with ones. */
function crc32(bytes: readonly number[]): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  }
  return crc >>> 0;
}
