/** When a segment begins, from its front alone (ISO/IEC 14496-12 8.8.12). */
import { AppError } from '../../errors.ts';
import { ByteReader, findBox, fullBoxContentOf, readBoxes } from './box-reader.ts';
import { parseDecodeTime } from './parse-media-segment.ts';

/**
 * The decode time of the first sample of a track in the segment that begins with `front`; undefined where more of it
 * must be seen. Throws `source_damaged` where the first fragment does not say it.
 */
export function firstDecodeTime(front: Uint8Array, trackId: number): number | undefined {
  for (let offset = 0; offset + 16 <= front.length; ) {
    const reader = new ByteReader(front, offset);
    const size = reader.u32();
    const type = reader.fourCharacterCode();
    const end = offset + (size === 1 ? reader.u64() : size);
    if (end <= offset + 7) throw new AppError('source_damaged', 'an MP4 box has an impossible size');
    if (type === 'moof')
      return end > front.length ? undefined : decodeTimeIn(front.subarray(offset, end), trackId);
    offset = end;
  }
  return undefined;
}

function decodeTimeIn(fragment: Uint8Array, trackId: number): number {
  const [moof] = readBoxes(fragment);
  for (const traf of readBoxes(fragment, moof).filter(({ type }) => type === 'traf')) {
    const boxes = readBoxes(fragment, traf);
    const header = findBox(boxes, 'tfhd');
    const time = findBox(boxes, 'tfdt');
    if (header === undefined || fullBoxContentOf(fragment, header).reader.u32() !== trackId) continue;
    if (time !== undefined) return parseDecodeTime(fragment, time);
  }
  throw new AppError('source_damaged', 'an MP4 segment does not say when it begins');
}
