/** CODECS strings (RFC 6381): what a player reads to know whether it can decode a track. */
import { AppError } from '../errors.ts';
import type { H264Profile } from './h264-levels.ts';

export { h264LevelFor } from './h264-levels.ts';

/** profile_idc and the constraint flags, as x264 writes them (ITU-T H.264 A.2). */
const PROFILE_BYTES: Record<H264Profile, readonly [number, number]> = {
  baseline: [66, 0xc0],
  main: [77, 0x40],
  high: [100, 0x00],
};

/** AAC Low Complexity: what every audio track is encoded as. */
export const AAC_LC_CODECS = 'mp4a.40.2';

/** `avc1.64001e` for level_idc 30 of the High profile: known before anything is encoded. */
export function avcCodecString(choice: { readonly profile: H264Profile; readonly level: number }): string {
  return avcString([...PROFILE_BYTES[choice.profile], choice.level]);
}

/** The CODECS string of an AVCDecoderConfigurationRecord. Throws `source_damaged` if it is cut off. RFC 6381 3.3 */
export function codecStringFromAvcC(avcC: Uint8Array): string {
  if (avcC.length < 4) throw new AppError('source_damaged', 'the H.264 configuration is cut off');
  return avcString(avcC.subarray(1, 4));
}

/** `mp4a.40.2` for AAC-LC: 40 is MPEG-4 Audio, then the object type. RFC 6381 3.3 */
export function codecStringFromAudioSpecificConfig(config: Uint8Array): string {
  const [first = 0, second = 0] = config;
  if (config.length < 2) throw new AppError('source_damaged', 'the AAC configuration is cut off');
  // ISO/IEC 14496-3 1.6.2.1: 5 bits; 31 says that 6 more follow.
  const objectType = first >>> 3;
  return `mp4a.40.${objectType === 31 ? 32 + (((first & 7) << 3) | (second >>> 5)) : objectType}`;
}

function avcString(profileAndLevel: Iterable<number>): string {
  return `avc1.${[...profileAndLevel].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
