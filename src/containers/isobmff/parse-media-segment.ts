/** What lies in movie fragments (ISO/IEC 14496-12 8.8): our own segments, and those of ready-made packages. */
import { AppError } from '../../errors.ts';
import { type Box, findBox, fullBoxContentOf, readBoxes, requireBox } from './box-reader.ts';
import { IS_NON_SYNC, TFHD, TRUN } from './fragment-flags.ts';

export type ParsedTrack = {
  readonly trackId: number;
  /** Decode time of the first sample, edit not taken off. */
  readonly baseMediaDecodeTime: number;
  readonly samples: readonly ParsedSample[];
};

export type ParsedSample = {
  readonly decodeTimeTicks: number;
  readonly durationTicks: number;
  /** May be negative in a `trun` of version 1. */
  readonly compositionOffsetTicks: number;
  readonly isSync: boolean;
  /** Where its bytes lie in the segment. */
  readonly offset: number;
  readonly bytes: number;
};

/** What a fragment leaves unsaid: `trex` in the init segment (8.8.3). */
export type SampleDefaults = {
  readonly durationTicks: number;
  readonly bytes: number;
  readonly flags: number;
};

/** Hours of sound: a table of this size takes some dozen megabytes. */
const MAX_SAMPLES = 500_000;

const NO_DEFAULTS: SampleDefaults = { durationTicks: 0, bytes: 0, flags: 0 };

/**
 * The samples of a segment, track by track in order of first appearance; several fragments of a track are
 * one list. `defaults` by track id come from the init segment; segments of Sluice need none. `bytes` may be the
 * front of a segment of `totalBytes`, without its media data. Throws `source_damaged` for anything that is not a
 * whole segment.
 */
export function parseMediaSegment(
  bytes: Uint8Array,
  defaults: ReadonlyMap<number, SampleDefaults> = new Map(),
  totalBytes = bytes.length,
): readonly ParsedTrack[] {
  const state: ParserState = { bytes, totalBytes, defaults, tracks: new Map(), sampleCount: 0 };
  const fragments = readBoxes(bytes).filter((box) => box.type === 'moof');
  if (fragments.length === 0) throw new AppError('source_damaged', 'the MP4 segment has no movie fragment');
  for (const moof of fragments) {
    const trackFragments = readBoxes(bytes, moof).filter((box) => box.type === 'traf');
    for (const traf of trackFragments) parseTrackFragment(state, moof, traf);
  }
  return [...state.tracks.values()];
}

type ParserState = {
  readonly bytes: Uint8Array;
  readonly totalBytes: number;
  readonly defaults: ReadonlyMap<number, SampleDefaults>;
  readonly tracks: Map<number, { trackId: number; baseMediaDecodeTime: number; samples: ParsedSample[] }>;
  sampleCount: number;
};

type Fragment = {
  readonly trackId: number;
  /** What data offsets are counted from (8.8.7.1). */
  readonly dataStart: number;
  readonly defaults: SampleDefaults;
};

/** Where the next sample's bytes and its decode time are. */
type Position = { dataOffset: number; decodeTimeTicks: number };

function parseTrackFragment(state: ParserState, moof: Box, traf: Box): void {
  const boxes = readBoxes(state.bytes, traf);
  const fragment = parseFragmentHeader(state, moof, requireBox(boxes, 'tfhd'));
  const decodeTime = findBox(boxes, 'tfdt');
  const known = state.tracks.get(fragment.trackId);
  const last = known?.samples.at(-1);
  const position: Position = {
    dataOffset: fragment.dataStart,
    // 8.8.12: without a tfdt, times go on from the samples before.
    decodeTimeTicks:
      decodeTime === undefined
        ? (last?.decodeTimeTicks ?? 0) + (last?.durationTicks ?? 0)
        : parseDecodeTime(state.bytes, decodeTime),
  };
  const track = known ?? {
    trackId: fragment.trackId,
    baseMediaDecodeTime: position.decodeTimeTicks,
    samples: [],
  };
  state.tracks.set(fragment.trackId, track);
  for (const box of boxes) {
    if (box.type === 'trun') parseRun(state, fragment, box, position, track.samples);
  }
}

function parseFragmentHeader(state: ParserState, moof: Box, tfhd: Box): Fragment {
  const { flags, reader } = fullBoxContentOf(state.bytes, tfhd);
  const trackId = reader.u32();
  const inherited = state.defaults.get(trackId) ?? NO_DEFAULTS;
  const dataStart = flags & TFHD.baseDataOffset ? reader.u64() : moof.start;
  if (flags & TFHD.sampleDescriptionIndex) reader.u32();
  const defaults: SampleDefaults = {
    durationTicks: flags & TFHD.defaultDuration ? reader.u32() : inherited.durationTicks,
    bytes: flags & TFHD.defaultSize ? reader.u32() : inherited.bytes,
    flags: flags & TFHD.defaultFlags ? reader.u32() : inherited.flags,
  };
  return { trackId, dataStart, defaults };
}

/** `tfdt` (8.8.12). */
export function parseDecodeTime(bytes: Uint8Array, tfdt: Box): number {
  const { version, reader } = fullBoxContentOf(bytes, tfdt);
  return version === 0 ? reader.u32() : reader.u64();
}

function parseRun(
  state: ParserState,
  fragment: Fragment,
  trun: Box,
  position: Position,
  samples: ParsedSample[],
): void {
  const { version, flags, reader } = fullBoxContentOf(state.bytes, trun);
  const count = reader.u32();
  // A run without fields of its own could claim four thousand million samples in 16 bytes.
  state.sampleCount += count;
  if (state.sampleCount > Math.min(state.totalBytes, MAX_SAMPLES)) {
    throw new AppError('source_damaged', 'the MP4 segment says it has more samples than bytes');
  }
  if (flags & TRUN.dataOffset) position.dataOffset = fragment.dataStart + reader.i32();
  const firstFlags = flags & TRUN.firstSampleFlags ? reader.u32() : undefined;

  for (let i = 0; i < count; i++) {
    const durationTicks = flags & TRUN.sampleDuration ? reader.u32() : fragment.defaults.durationTicks;
    const bytes = flags & TRUN.sampleSize ? reader.u32() : fragment.defaults.bytes;
    const ownFlags = flags & TRUN.sampleFlags ? reader.u32() : fragment.defaults.flags;
    const sampleFlags = i === 0 && firstFlags !== undefined ? firstFlags : ownFlags;
    const hasOffset = (flags & TRUN.compositionOffset) !== 0;
    const compositionOffsetTicks = hasOffset ? (version === 0 ? reader.u32() : reader.i32()) : 0;
    if (position.dataOffset < 0 || position.dataOffset + bytes > state.totalBytes) {
      throw new AppError('source_damaged', 'the MP4 segment is cut off: a sample lies outside of it');
    }
    samples.push({
      decodeTimeTicks: position.decodeTimeTicks,
      durationTicks,
      compositionOffsetTicks,
      isSync: (sampleFlags & IS_NON_SYNC) === 0,
      offset: position.dataOffset,
      bytes,
    });
    position.dataOffset += bytes;
    position.decodeTimeTicks += durationTicks;
  }
}
