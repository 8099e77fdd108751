/** A CMAF segment of one fragment (ISO/IEC 23000-19 7.3.2.3): `styp`, `moof` with one `trun`, `mdat`. */
import { ByteWriter } from './byte-writer.ts';
import { NON_SYNC_SAMPLE_FLAGS, SYNC_SAMPLE_FLAGS, TFHD, TRUN } from './fragment-flags.ts';

export type SegmentSample = {
  /** Until the next sample's decode time. */
  readonly durationTicks: number;
  /** Presentation minus decode time, before the init segment's edit is taken off. Never negative in what we encode. */
  readonly compositionOffsetTicks: number;
  /** A decoder can start here: an IDR access unit, any AAC frame. */
  readonly isSync: boolean;
  /** As the sample entry wants it: length-prefixed NAL units, a raw AAC frame without ADTS. */
  readonly data: Uint8Array;
};

export type MediaSegment = {
  readonly trackId: number;
  /** Of the fragment, from 1 upward (ISO/IEC 14496-12 8.8.5). */
  readonly sequenceNumber: number;
  /** The first sample's decode time in ticks of the track, edit not taken off. */
  readonly baseMediaDecodeTime: number;
  /** At least one. */
  readonly samples: readonly SegmentSample[];
};

const STYP_BYTES = 24;
const MFHD_BYTES = 16;
const TFDT_BYTES = 20;
const BOX_HEADER_BYTES = 8;

/**
 * The bytes of a segment: deterministic, in one allocation of the exact size. Throws a RangeError for what
 * the boxes cannot hold: no samples, a time out of range, 4 GiB or more.
 */
export function writeMediaSegment(segment: MediaSegment): Uint8Array<ArrayBuffer> {
  checkSegment(segment);
  const layout = chooseLayout(segment.samples);
  const moofBytes =
    BOX_HEADER_BYTES + MFHD_BYTES + BOX_HEADER_BYTES + layout.tfhdBytes + TFDT_BYTES + layout.trunBytes;
  const dataBytes = segment.samples.reduce((sum, sample) => sum + sample.data.length, 0);
  const totalBytes = STYP_BYTES + moofBytes + BOX_HEADER_BYTES + dataBytes;
  if (totalBytes > 0xffffffff) throw new RangeError('a segment is limited to 4 GiB');

  const writer = new ByteWriter(totalBytes);
  writer.box('styp', () => {
    writer.ascii('msdh');
    writer.u32(0);
    writer.ascii('msdh'); // ISO/IEC 23009-1 6.3.4.2
    writer.ascii('cmfs'); // ISO/IEC 23000-19 7.2
  });
  writer.box('moof', () => {
    writer.fullBox('mfhd', 0, 0, () => writer.u32(segment.sequenceNumber));
    writer.box('traf', () => {
      writeFragmentHeader(writer, segment, layout);
      writer.fullBox('tfdt', 1, 0, () => writer.u64(segment.baseMediaDecodeTime));
      writeRun(writer, segment.samples, layout, moofBytes + BOX_HEADER_BYTES);
    });
  });
  writer.box('mdat', () => {
    for (const sample of segment.samples) writer.bytes(sample.data);
  });
  return writer.finish();
}

/** Which fields are said once (`tfhd`), for the first sample, or for each sample (`trun`). */
type Layout = {
  readonly tfhdFlags: number;
  readonly tfhdBytes: number;
  readonly trunFlags: number;
  readonly trunBytes: number;
};

function chooseLayout(samples: readonly SegmentSample[]): Layout {
  const first = samples[0];
  const second = samples[1];
  let trunFlags = TRUN.dataOffset | TRUN.sampleSize;
  let tfhdFlags = TFHD.defaultBaseIsMoof;
  if (samples.every((sample) => sample.durationTicks === first?.durationTicks)) {
    tfhdFlags |= TFHD.defaultDuration;
  } else trunFlags |= TRUN.sampleDuration;
  if (samples.some((sample) => sample.compositionOffsetTicks !== 0)) trunFlags |= TRUN.compositionOffset;
  if (samples.every((sample, i) => i === 0 || sample.isSync === second?.isSync)) {
    tfhdFlags |= TFHD.defaultFlags;
    if (second !== undefined && second.isSync !== first?.isSync) trunFlags |= TRUN.firstSampleFlags;
  } else trunFlags |= TRUN.sampleFlags;

  const perSample = TRUN.sampleDuration | TRUN.sampleSize | TRUN.sampleFlags | TRUN.compositionOffset;
  return {
    tfhdFlags,
    tfhdBytes: 16 + 4 * countBits(tfhdFlags & (TFHD.defaultDuration | TFHD.defaultFlags)),
    trunFlags,
    trunBytes:
      16 +
      4 * countBits(trunFlags & (TRUN.dataOffset | TRUN.firstSampleFlags)) +
      4 * countBits(trunFlags & perSample) * samples.length,
  };
}

function writeFragmentHeader(writer: ByteWriter, segment: MediaSegment, layout: Layout): void {
  const first = segment.samples[0];
  // The sample after the first stands for all others; the first has its own flags in the run.
  const usual = segment.samples[1] ?? first;
  writer.fullBox('tfhd', 0, layout.tfhdFlags, () => {
    writer.u32(segment.trackId);
    if (layout.tfhdFlags & TFHD.defaultDuration) writer.u32(first?.durationTicks ?? 0);
    if (layout.tfhdFlags & TFHD.defaultFlags) writer.u32(sampleFlags(usual));
  });
}

function writeRun(
  writer: ByteWriter,
  samples: readonly SegmentSample[],
  { trunFlags }: Layout,
  dataOffset: number,
): void {
  // 8.8.8.1: only version 1 has negative offsets.
  const version = hasNegativeOffset(samples) ? 1 : 0;
  writer.fullBox('trun', version, trunFlags, () => {
    writer.u32(samples.length);
    writer.u32(dataOffset); // from the start of the moof
    if (trunFlags & TRUN.firstSampleFlags) writer.u32(sampleFlags(samples[0]));
    for (const sample of samples) {
      if (trunFlags & TRUN.sampleDuration) writer.u32(sample.durationTicks);
      writer.u32(sample.data.length);
      if (trunFlags & TRUN.sampleFlags) writer.u32(sampleFlags(sample));
      if (trunFlags & TRUN.compositionOffset) {
        if (version === 1) writer.i32(sample.compositionOffsetTicks);
        else writer.u32(sample.compositionOffsetTicks);
      }
    }
  });
}

function sampleFlags(sample: SegmentSample | undefined): number {
  return sample?.isSync ? SYNC_SAMPLE_FLAGS : NON_SYNC_SAMPLE_FLAGS;
}

function hasNegativeOffset(samples: readonly SegmentSample[]): boolean {
  return samples.some(({ compositionOffsetTicks }) => compositionOffsetTicks < 0);
}

function checkSegment(segment: MediaSegment): void {
  const isOffset = hasNegativeOffset(segment.samples) ? isInt32 : isUint32;
  const isFine =
    segment.samples.length > 0 &&
    isUint32(segment.trackId) &&
    isUint32(segment.sequenceNumber) &&
    Number.isSafeInteger(segment.baseMediaDecodeTime) &&
    segment.baseMediaDecodeTime >= 0 &&
    segment.samples.every((s) => isUint32(s.durationTicks) && isOffset(s.compositionOffsetTicks));
  if (!isFine)
    throw new RangeError(`not a segment of track ${segment.trackId}: a time or a number is out of range`);
}

function countBits(value: number): number {
  let count = 0;
  for (let rest = value; rest !== 0; rest &= rest - 1) count++;
  return count;
}

function isUint32(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= 0xffffffff;
}

function isInt32(value: number): boolean {
  return Number.isSafeInteger(value) && value >= -0x80000000 && value <= 0x7fffffff;
}
