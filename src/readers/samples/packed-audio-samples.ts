/** Segments of packed audio: ADTS behind an ID3 tag with the time (RFC 8216bis 3.1.3). */
import { AppError } from '../../errors.ts';
import { adtsSamples } from './adts-samples.ts';
import type { StreamSamples } from './stream-samples.ts';

const OWNER = 'com.apple.streaming.transportStreamTimestamp\0';
/** Header of the tag, and of a frame in it (ID3v2.4 3.1, 4). */
const HEADER_BYTES = 10;

/** Of a segment or its front. Throws `source_damaged` without a time, and where there is no AAC. */
export function packedAudioSamples(bytes: Uint8Array): readonly StreamSamples[] {
  const text = new TextDecoder('latin1').decode(bytes.subarray(0, 4096));
  const owner = text.startsWith('ID3') ? text.indexOf(OWNER) : -1;
  const timeAt = owner + OWNER.length;
  if (owner < 0 || timeAt + 8 > bytes.length)
    throw new AppError('source_damaged', 'a segment of packed audio does not say its time');
  // The upper 31 of 64 bits are 0.
  const clockTicks =
    (bytes[timeAt + 3]! & 1) * 2 ** 32 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(timeAt + 4);
  const tagBytes = [6, 7, 8, 9].reduce((size, at) => size * 128 + (bytes[at]! & 0x7f), 0);
  const samples = adtsSamples(0, [{ clockTicks, data: bytes.subarray(HEADER_BYTES + tagBytes) }]);
  if (samples === undefined) throw new AppError('source_damaged', 'a segment of packed audio is no AAC');
  return [samples];
}
