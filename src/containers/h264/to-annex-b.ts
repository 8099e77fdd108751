/** From MP4's access units to those of transport streams (ITU-T H.264 Annex B, ISO/IEC 14496-15 5.3). */
import { AppError } from '../../errors.ts';
import { ByteReader } from '../isobmff/box-reader.ts';
import { NAL_TYPE } from './nal-units.ts';

/** What an `avcC` box says that Annex B wants to know. */
export type AnnexBConfig = {
  /** How many bytes say a NAL unit's length: 1, 2 or 4. */
  readonly lengthBytes: number;
  /** SPS and PPS behind start codes. */
  readonly parameterSets: Uint8Array;
};

const START_CODE = [0, 0, 0, 1];
/** 13818-1 2.14: every picture of a transport stream begins with one. 0xf0: slices of any type (7.3.2.4). */
const DELIMITER = [...START_CODE, NAL_TYPE.accessUnitDelimiter, 0xf0];

/** Reads an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 5.3.3.1). Throws `source_damaged`. */
export function parseAvcC(avcC: Uint8Array): AnnexBConfig {
  const reader = new ByteReader(avcC);
  reader.skip(4);
  const lengthBytes = (reader.u8() & 3) + 1;
  const parameterSets: number[] = [];
  const readSets = (count: number): void => {
    for (let i = 0; i < count; i++) parameterSets.push(...START_CODE, ...reader.bytes(reader.u16()));
  };
  readSets(reader.u8() & 0x1f);
  readSets(reader.u8());
  return { lengthBytes, parameterSets: Uint8Array.from(parameterSets) };
}

/**
 * A sample with start codes instead of lengths, begun with a delimiter; before a random access point stand the
 * parameter sets, unless the sample brings its own. Throws `source_damaged` where a length does not fit.
 */
export function toAnnexB(
  sample: Uint8Array,
  config: AnnexBConfig,
  isRandomAccess: boolean,
): Uint8Array<ArrayBuffer> {
  const units = unitsOf(sample, config.lengthBytes);
  if (typeOf(sample, units[0]) === NAL_TYPE.accessUnitDelimiter) units.shift();
  const hasOwnSets = typeOf(sample, units[0]) === NAL_TYPE.sps;
  const sets = isRandomAccess && !hasOwnSets ? config.parameterSets : new Uint8Array();
  const bytes = new Uint8Array(
    units.reduce((sum, [start, end]) => sum + 4 + end - start, DELIMITER.length + sets.length),
  );
  bytes.set(DELIMITER);
  bytes.set(sets, DELIMITER.length);
  let at = DELIMITER.length + sets.length;
  for (const [start, end] of units) {
    bytes[at + 3] = 1;
    bytes.set(sample.subarray(start, end), at + 4);
    at += 4 + end - start;
  }
  return bytes;
}

/** Where each NAL unit begins and ends. */
type Span = readonly [start: number, end: number];

function unitsOf(sample: Uint8Array, lengthBytes: number): Span[] {
  const units: Span[] = [];
  let at = 0;
  while (at < sample.length) {
    let length = 0;
    for (let i = 0; i < lengthBytes; i++) length = length * 256 + (sample[at + i] ?? 0);
    const start = at + lengthBytes;
    const end = start + length;
    if (end > sample.length) throw new AppError('source_damaged', 'a video frame is cut off');
    if (length > 0) units.push([start, end]);
    at = end;
  }
  return units;
}

function typeOf(sample: Uint8Array, unit: Span | undefined): number | undefined {
  return unit === undefined ? undefined : sample[unit[0]]! & 0x1f;
}
