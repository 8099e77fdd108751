/**
 * H.264 access units as bytes: NAL units behind start codes (ITU-T H.264 Annex B: encoders, MPEG-TS) or behind
 * 4-byte lengths (ISO/IEC 14496-15 5.3.3: MP4).
 */
import { AppError } from '../../errors.ts';

/** nal_unit_type (ITU-T H.264 table 7-1). */
export const NAL_TYPE = { idr: 5, sei: 6, sps: 7, pps: 8, accessUnitDelimiter: 9 } as const;

const LENGTH_BYTES = 4;

/** The NAL units of an Annex B byte stream, without start codes and stuffing zeros, as views into `data`. */
export function splitAnnexB(data: Uint8Array): Uint8Array[] {
  const units: Uint8Array[] = [];
  let startCode = findStartCode(data, 0);
  while (startCode < data.length) {
    const start = startCode + 3;
    startCode = findStartCode(data, start);
    let end = startCode;
    // A NAL unit never ends in a zero byte (7.4.1): these belong to the next start code or are stuffing.
    while (end > start && data[end - 1] === 0) end--;
    if (end > start) units.push(data.subarray(start, end));
  }
  return units;
}

/**
 * An Annex B access unit with 4-byte lengths instead of start codes. `keep` leaves out NAL units by type, for
 * instance `(type) => type !== NAL_TYPE.sei`.
 */
export function annexBToLengthPrefixed(
  data: Uint8Array,
  keep: (nalType: number) => boolean = () => true,
): Uint8Array<ArrayBuffer> {
  return joinLengthPrefixed(splitAnnexB(data).filter((unit) => keep(nalType(unit))));
}

/** The NAL units of a length-prefixed access unit, as views. Throws `source_damaged` where a length does not fit. */
export function splitLengthPrefixed(accessUnit: Uint8Array): Uint8Array[] {
  const view = new DataView(accessUnit.buffer, accessUnit.byteOffset, accessUnit.byteLength);
  const units: Uint8Array[] = [];
  let offset = 0;
  while (offset < accessUnit.length) {
    const start = offset + LENGTH_BYTES;
    const end = start <= accessUnit.length ? start + view.getUint32(offset) : Infinity;
    if (end > accessUnit.length) throw new AppError('source_damaged', 'a video frame is cut off');
    if (end > start) units.push(accessUnit.subarray(start, end));
    offset = end;
  }
  return units;
}

/** A length-prefixed access unit without its SEI messages (x264 writes its version and settings there). */
export function dropSei(accessUnit: Uint8Array): Uint8Array<ArrayBuffer> {
  return joinLengthPrefixed(splitLengthPrefixed(accessUnit).filter((unit) => nalType(unit) !== NAL_TYPE.sei));
}

/** Whether a decoder can start at this length-prefixed access unit. */
export function isIdr(accessUnit: Uint8Array): boolean {
  return splitLengthPrefixed(accessUnit).some((unit) => nalType(unit) === NAL_TYPE.idr);
}

/** nal_unit_type of a NAL unit that is not empty. */
export function nalType(unit: Uint8Array): number {
  return (unit[0] ?? 0) & 0x1f;
}

function joinLengthPrefixed(units: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(units.reduce((sum, unit) => sum + LENGTH_BYTES + unit.length, 0));
  const view = new DataView(joined.buffer);
  let offset = 0;
  for (const unit of units) {
    view.setUint32(offset, unit.length);
    joined.set(unit, offset + LENGTH_BYTES);
    offset += LENGTH_BYTES + unit.length;
  }
  return joined;
}

/** Where the next 00 00 01 begins, at or after `from`; the length of `data` where there is none. */
function findStartCode(data: Uint8Array, from: number): number {
  let last = from + 2;
  while (last < data.length) {
    const byte = data[last];
    if (byte === 1 && data[last - 1] === 0 && data[last - 2] === 0) return last - 2;
    // Only a zero can be one of the first two bytes of a start code that ends further on.
    last += byte === 0 ? 1 : 3;
  }
  return data.length;
}
