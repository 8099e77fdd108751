/** WebVTT in MP4 (ISO/IEC 14496-30 7): each sample says all that is shown while it lasts. */
import { readBoxes } from '../isobmff/box-reader.ts';
import type { Cue } from './cue.ts';
import { makeCue } from './make-cue.ts';

/** What a sample shows from `startMs` to `endMs`; nothing for an empty one. Throws `source_damaged`. */
export function sampleCues(sample: Uint8Array, startMs: number, endMs: number): readonly Cue[] {
  const decoder = new TextDecoder();
  return readBoxes(sample)
    .filter(({ type }) => type === 'vttc')
    .flatMap((box) => {
      const parts = new Map(
        readBoxes(sample, box).map(({ type, contentStart, end }) => [
          type,
          decoder.decode(sample.subarray(contentStart, end)),
        ]),
      );
      return makeCue(startMs, endMs, parts.get('payl') ?? '', parts.get('sttg')) ?? [];
    });
}
