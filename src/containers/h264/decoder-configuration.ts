/** The AVCDecoderConfigurationRecord, the content of an `avcC` box (ISO/IEC 14496-15 5.3.3.1). */
import { AppError } from '../../errors.ts';
import { BitReader } from './bit-reader.ts';
import { NAL_TYPE, nalType, splitAnnexB } from './nal-units.ts';

/** Profiles for which the record also says the chroma format and the bit depths. */
const PROFILES_WITH_CHROMA = new Set([100, 110, 122, 144]);

/**
 * The record for parameter sets in Annex B form, as x264 gives them in its global header (what else is in
 * there, such as its SEI message, is left out). Throws `source_damaged` without a usable SPS and PPS.
 */
export function avcConfigurationFromAnnexB(extradata: Uint8Array): Uint8Array<ArrayBuffer> {
  const units = splitAnnexB(extradata);
  const sps = units.filter((unit) => nalType(unit) === NAL_TYPE.sps);
  const pps = units.filter((unit) => nalType(unit) === NAL_TYPE.pps);
  const [first] = sps;
  if (first === undefined || first.length < 4 || pps.length === 0 || sps.length > 31 || pps.length > 255) {
    throw new AppError('source_damaged', 'the H.264 header has no usable parameter sets');
  }
  // 0xff: reserved bits, then lengths of 4 bytes; 0xe0: reserved bits.
  const record = [1, ...first.subarray(1, 4), 0xff, 0xe0 | sps.length];
  for (const unit of sps) record.push(...withLength(unit));
  record.push(pps.length);
  for (const unit of pps) record.push(...withLength(unit));
  if (PROFILES_WITH_CHROMA.has(first[1] ?? 0)) {
    const { chromaFormat, lumaDepth, chromaDepth } = chromaOf(first);
    record.push(0xfc | chromaFormat, 0xf8 | (lumaDepth - 8), 0xf8 | (chromaDepth - 8), 0);
  }
  return new Uint8Array(record);
}

function withLength(unit: Uint8Array): number[] {
  if (unit.length > 0xffff) throw new AppError('source_damaged', 'an H.264 parameter set is too long');
  return [unit.length >>> 8, unit.length & 0xff, ...unit];
}

/** The start of a High profile SPS (ITU-T H.264 7.3.2.1.1). */
function chromaOf(sps: Uint8Array) {
  const reader = new BitReader(withoutEmulationPrevention(sps.subarray(4)));
  reader.unsignedExpGolomb(); // seq_parameter_set_id
  const chromaFormat = reader.unsignedExpGolomb();
  if (chromaFormat === 3) reader.bits(1); // separate_colour_plane_flag
  const lumaDepth = 8 + reader.unsignedExpGolomb();
  const chromaDepth = 8 + reader.unsignedExpGolomb();
  if (reader.isExhausted || chromaFormat > 3 || lumaDepth > 14 || chromaDepth > 14) {
    throw new AppError('source_damaged', 'the H.264 sequence parameter set is damaged');
  }
  return { chromaFormat, lumaDepth, chromaDepth };
}

/** Takes out the 03 of each 00 00 03 (7.4.1.1). */
function withoutEmulationPrevention(payload: Uint8Array): Uint8Array {
  return payload.filter((byte, i) => !(byte === 3 && i >= 2 && payload[i - 1] === 0 && payload[i - 2] === 0));
}
