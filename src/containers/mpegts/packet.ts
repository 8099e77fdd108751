/** What the writer and the reader of MPEG transport streams share (ISO/IEC 13818-1). */

/** 2.4.3.2 */
export const PACKET_BYTES = 188;
export const SYNC_BYTE = 0x47;

/** Packet identifiers. The association table's is fixed (table 2-3); the others are ours. */
export const PID = { associationTable: 0, mapTable: 0x1000, video: 0x100, audio: 0x101 } as const;

/** stream_type (table 2-34): H.264 in Annex B, AAC in ADTS. */
export const STREAM_TYPE = { h264: 0x1b, adts: 0x0f } as const;

/** Ticks a second of PTS, DTS and the base of the PCR (2.4.3.5, 2.4.3.7). */
export const CLOCK_HZ = 90_000;

/** Time stamps have 33 bits and begin again from 0 after 26.5 hours. */
export const CLOCK_WRAP = 2 ** 33;

/** `ticks` as 33 bits hold it; negative ones count from the end. */
export function wrapped(ticks: number): number {
  return ((ticks % CLOCK_WRAP) + CLOCK_WRAP) % CLOCK_WRAP;
}

/** The value that 33 bits hold as `ticks`, where it lies nearest to `expected`. */
export function unwrapped(ticks: number, expected: number): number {
  const difference = wrapped(ticks - expected);
  return expected + (difference < CLOCK_WRAP / 2 ? difference : difference - CLOCK_WRAP);
}
