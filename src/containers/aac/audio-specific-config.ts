/** The AudioSpecificConfig, which says how AAC is to be decoded (ISO/IEC 14496-3 1.6.2.1). */
import { AppError } from '../../errors.ts';
import { BitReader } from '../h264/bit-reader.ts';

/** samplingFrequencyIndex (table 1.18). */
export const SAMPLING_FREQUENCIES = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000, 7350,
] as const;

/** Of the core of a stream: what HE-AAC adds to it is found by decoders themselves. */
export type AacConfig = {
  /** 2 is AAC-LC. */
  readonly objectType: number;
  readonly frequencyIndex: number;
  /** 1 to 7 (table 1.19): 2 is stereo, 6 is 5.1. 0: the stream says it itself. */
  readonly channelConfiguration: number;
};

const SPECTRAL_BAND_REPLICATION = 5;
const PARAMETRIC_STEREO = 29;

/** Throws `source_damaged` for what ADTS cannot say either: a sample rate that is not in the table. */
export function parseAudioSpecificConfig(config: Uint8Array): AacConfig {
  const reader = new BitReader(config);
  const firstType = objectTypeOf(reader);
  const frequencyIndex = reader.bits(4);
  const channelConfiguration = reader.bits(4);
  let objectType = firstType;
  if (firstType === SPECTRAL_BAND_REPLICATION || firstType === PARAMETRIC_STEREO) {
    if (reader.bits(4) === 15) reader.bits(24);
    objectType = objectTypeOf(reader);
  }
  if (reader.isExhausted || SAMPLING_FREQUENCIES[frequencyIndex] === undefined)
    throw new AppError('source_damaged', 'the AAC configuration cannot be read');
  return { objectType, frequencyIndex, channelConfiguration };
}

/** Two bytes, without extensions. */
export function writeAudioSpecificConfig(config: AacConfig): Uint8Array<ArrayBuffer> {
  const { objectType, frequencyIndex, channelConfiguration } = config;
  return new Uint8Array([
    (objectType << 3) | (frequencyIndex >>> 1),
    ((frequencyIndex & 1) << 7) | (channelConfiguration << 3),
  ]);
}

function objectTypeOf(reader: BitReader): number {
  const type = reader.bits(5);
  return type === 31 ? 32 + reader.bits(6) : type;
}
