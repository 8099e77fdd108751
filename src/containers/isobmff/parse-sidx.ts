/** The segment index (ISO/IEC 14496-12 8.16.3): where subsegments lie in a file with many of them. */
import { AppError } from '../../errors.ts';
import { findBox, fullBoxContentOf, readBoxes } from './box-reader.ts';

export type SegmentIndex = {
  readonly timescale: number;
  readonly earliestPresentationTicks: number;
  /** In file order, without gaps between them. */
  readonly references: readonly SegmentReference[];
};

export type SegmentReference = {
  /** From the first byte of what was parsed. */
  readonly offset: number;
  readonly bytes: number;
  readonly durationTicks: number;
  readonly startsWithSync: boolean;
  /** It points to another index instead of to media (8.16.3.3, reference_type 1). */
  readonly isIndex: boolean;
};

/** The first `sidx` in `bytes`; undefined without one. Throws `source_damaged`. */
export function parseSidx(bytes: Uint8Array): SegmentIndex | undefined {
  const sidx = findBox(readBoxes(bytes), 'sidx');
  if (sidx === undefined) return undefined;
  const { version, reader } = fullBoxContentOf(bytes, sidx);
  reader.u32(); // reference_ID
  const timescale = reader.u32();
  if (timescale === 0) throw new AppError('source_damaged', 'the segment index has no timescale');
  const earliestPresentationTicks = version === 0 ? reader.u32() : reader.u64();
  const firstOffset = version === 0 ? reader.u32() : reader.u64();
  reader.u16();
  const count = reader.u16();
  const references: SegmentReference[] = [];
  // 8.16.3.1: offsets are counted from the first byte after the index.
  let offset = sidx.end + firstOffset;
  for (let i = 0; i < count; i++) {
    const typeAndSize = reader.u32();
    const durationTicks = reader.u32();
    const accessPoint = reader.u32();
    const referenceBytes = typeAndSize & 0x7fffffff;
    references.push({
      offset,
      bytes: referenceBytes,
      durationTicks,
      startsWithSync: accessPoint >>> 31 === 1,
      isIndex: typeAndSize >>> 31 === 1,
    });
    offset += referenceBytes;
  }
  return { timescale, earliestPresentationTicks, references };
}
