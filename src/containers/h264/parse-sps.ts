/** What a sequence parameter set says of the picture (ITU-T H.264 7.3.2.1.1). */
import { AppError } from '../../errors.ts';
import { BitReader } from './bit-reader.ts';

/** Of a stream, as far as manifests name it. */
export type SequenceParameters = {
  /** RFC 6381: `avc1.64001f`. */
  readonly codecs: string;
  /** In pixels, cropped. */
  readonly width: number;
  readonly height: number;
};

/** Profiles that say more of colors and scaling (7.3.2.1.1). */
const HIGH_PROFILES = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/** `unit`: a NAL unit of type 7, its header included. Throws `source_damaged`. */
export function parseSps(unit: Uint8Array): SequenceParameters {
  const payload = withoutEmulationPrevention(unit.subarray(1));
  const reader = new BitReader(payload.subarray(3));
  reader.unsignedExpGolomb(); // seq_parameter_set_id
  const chromaFormat = HIGH_PROFILES.includes(payload[0] ?? 0) ? readHighProfile(reader) : 1;
  reader.unsignedExpGolomb(); // log2_max_frame_num_minus4
  skipPictureOrderCount(reader);
  reader.unsignedExpGolomb(); // max_num_ref_frames
  reader.bits(1);
  const widthInMacroblocks = reader.unsignedExpGolomb() + 1;
  const heightInMapUnits = reader.unsignedExpGolomb() + 1;
  const fieldsInMapUnit = 2 - reader.bits(1);
  if (fieldsInMapUnit === 2) reader.bits(1);
  reader.bits(1); // direct_8x8_inference_flag
  const [left = 0, right = 0, top = 0, bottom = 0] =
    reader.bits(1) === 1 ? [0, 1, 2, 3].map(() => reader.unsignedExpGolomb()) : [];
  // Table 6-1: crops are counted in chroma samples.
  const cropX = chromaFormat === 1 || chromaFormat === 2 ? 2 : 1;
  const cropY = (chromaFormat === 1 ? 2 : 1) * fieldsInMapUnit;
  const width = widthInMacroblocks * 16 - (left + right) * cropX;
  const height = heightInMapUnits * 16 * fieldsInMapUnit - (top + bottom) * cropY;
  if (reader.isExhausted || width <= 0 || height <= 0) {
    throw new AppError('source_damaged', 'an H.264 parameter set cannot be read');
  }
  const hex = [...payload.subarray(0, 3)].map((byte) => byte.toString(16).padStart(2, '0'));
  return { codecs: `avc1.${hex.join('')}`, width, height };
}

/** chroma_format_idc; what follows of scaling is passed over. */
function readHighProfile(reader: BitReader): number {
  const chromaFormat = reader.unsignedExpGolomb();
  if (chromaFormat === 3) reader.bits(1);
  reader.unsignedExpGolomb();
  reader.unsignedExpGolomb();
  reader.bits(1);
  const lists = reader.bits(1) === 1 ? (chromaFormat === 3 ? 12 : 8) : 0;
  for (let i = 0; i < lists; i++) if (reader.bits(1) === 1) skipScalingList(reader, i < 6 ? 16 : 64);
  return chromaFormat;
}

/** 7.3.2.1.1.1 */
function skipScalingList(reader: BitReader, size: number): void {
  let [last, next] = [8, 8];
  for (let i = 0; i < size && next !== 0; i++) {
    next = (last + signedExpGolomb(reader) + 256) % 256;
    if (next !== 0) last = next;
  }
}

function skipPictureOrderCount(reader: BitReader): void {
  const type = reader.unsignedExpGolomb();
  if (type === 0) reader.unsignedExpGolomb();
  if (type !== 1) return;
  reader.bits(1);
  reader.unsignedExpGolomb();
  reader.unsignedExpGolomb();
  // At most 255 (7.4.2.1.1).
  const cycle = Math.min(255, reader.unsignedExpGolomb());
  for (let i = 0; i < cycle; i++) reader.unsignedExpGolomb();
}

/** 9.1.1 */
function signedExpGolomb(reader: BitReader): number {
  const code = reader.unsignedExpGolomb();
  return code % 2 === 1 ? (code + 1) / 2 : -code / 2;
}

/** 7.4.1: a 3 after two zeros keeps start codes from appearing inside, and is no data. */
function withoutEmulationPrevention(bytes: Uint8Array): Uint8Array {
  return bytes.filter((byte, i) => !(byte === 3 && i >= 2 && bytes[i - 1] === 0 && bytes[i - 2] === 0));
}
