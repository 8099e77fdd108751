/** AAC frames with a header each, as transport streams carry them: ADTS (ISO/IEC 13818-7 6.2, 14496-3 1.A.2.2). */
import { AppError } from '../../errors.ts';
import { type AacConfig, SAMPLING_FREQUENCIES } from './audio-specific-config.ts';

/** Samples in a frame of AAC, for each channel. */
export const SAMPLES_PER_FRAME = 1024;

const HEADER_BYTES = 7;
/** frame_length has 13 bits. */
const MAX_FRAME_BYTES = 0x1fff;

/** A frame as it lies in an ADTS stream. */
export type AdtsFrame = {
  readonly config: AacConfig;
  /** Of its header. */
  readonly offset: number;
  /** Without the header: a view. */
  readonly data: Uint8Array;
};

/** `frames` (raw_data_blocks), each behind a header. Throws `source_damaged` for what a header cannot say. */
export function writeAdts(config: AacConfig, frames: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const { objectType, frequencyIndex, channelConfiguration } = config;
  if (objectType < 1 || objectType > 4 || channelConfiguration < 1 || channelConfiguration > 7)
    throw new AppError('source_damaged', 'this kind of AAC cannot be put into a transport stream');
  const bytes = new Uint8Array(frames.reduce((sum, frame) => sum + HEADER_BYTES + frame.length, 0));
  let at = 0;
  for (const frame of frames) {
    const length = HEADER_BYTES + frame.length;
    if (length > MAX_FRAME_BYTES) throw new AppError('source_damaged', 'an AAC frame is too long');
    bytes[at] = 0xff;
    bytes[at + 1] = 0xf1; // MPEG-4, no checksum
    bytes[at + 2] = ((objectType - 1) << 6) | (frequencyIndex << 2) | (channelConfiguration >>> 2);
    bytes[at + 3] = ((channelConfiguration & 3) << 6) | (length >>> 11);
    bytes[at + 4] = (length >>> 3) & 0xff;
    bytes[at + 5] = ((length & 7) << 5) | 0x1f;
    bytes[at + 6] = 0xfc; // buffer fullness: variable rate; one raw_data_block
    bytes.set(frame, at + HEADER_BYTES);
    at += length;
  }
  return bytes;
}

/** The whole frames in `bytes`, and where the first begins that is cut off: the end where none is. */
export function splitAdts(bytes: Uint8Array): {
  readonly frames: readonly AdtsFrame[];
  readonly end: number;
} {
  const frames: AdtsFrame[] = [];
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    const length = frameBytesAt(bytes, at);
    if (length === undefined) at++;
    else if (at + length > bytes.length) break;
    else {
      const hasChecksum = (bytes[at + 1]! & 1) === 0;
      frames.push({
        config: configAt(bytes, at),
        offset: at,
        data: bytes.subarray(at + HEADER_BYTES + (hasChecksum ? 2 : 0), at + length),
      });
      at += length;
    }
  }
  return { frames, end: Math.min(at, bytes.length) };
}

/** The length of the frame that begins at `at`; undefined where none does. */
function frameBytesAt(bytes: Uint8Array, at: number): number | undefined {
  if (bytes[at] !== 0xff || (bytes[at + 1]! & 0xf6) !== 0xf0) return undefined;
  const length = ((bytes[at + 3]! & 3) << 11) | (bytes[at + 4]! << 3) | (bytes[at + 5]! >> 5);
  const isFine = length > HEADER_BYTES + 2 && SAMPLING_FREQUENCIES[(bytes[at + 2]! >> 2) & 15] !== undefined;
  return isFine ? length : undefined;
}

function configAt(bytes: Uint8Array, at: number): AacConfig {
  const third = bytes[at + 2]!;
  return {
    objectType: (third >> 6) + 1,
    frequencyIndex: (third >> 2) & 15,
    channelConfiguration: ((third & 1) << 2) | (bytes[at + 3]! >> 6),
  };
}
