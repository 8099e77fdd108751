/** What an init segment says: ours and those of ready-made packages. */
import { AppError } from '../../errors.ts';
import { codecStringFromAudioSpecificConfig, codecStringFromAvcC } from '../../media/codecs.ts';
import {
  type Box,
  contentOf,
  findBox,
  fullBoxContentOf,
  readBoxes,
  requireBox,
  requirePath,
} from './box-reader.ts';
import { audioSpecificConfigOf } from './parse-esds.ts';
import type { SampleDefaults } from './parse-media-segment.ts';

export type ParsedInitTrack = {
  readonly trackId: number;
  readonly kind: 'video' | 'audio' | 'other';
  /** Ticks a second. */
  readonly timescale: number;
  /** RFC 6381; for codecs whose configuration is not read here, the sample entry's four characters alone. */
  readonly codecs: string;
  /**
   * The composition time that is presented at 0. 0 without an edit list; negative where the first sample is presented
   * later than its composition time says.
   */
  readonly presentationOffsetTicks: number;
  /** For {@link parseMediaSegment}. */
  readonly defaults: SampleDefaults;
  /** The AVCDecoderConfigurationRecord of H.264, the AudioSpecificConfig of AAC; absent for other codecs. */
  readonly configuration?: Uint8Array;
  /** The whole box that sets up the decoder (ISO/IEC 14496-12 8.5.2). */
  readonly sampleEntry: Uint8Array;
  /** In pixels; video only. */
  readonly width?: number;
  readonly height?: number;
  /** Audio only. */
  readonly channels?: number;
  readonly sampleRate?: number;
};

/** The tracks of an init segment, at least one. Throws `source_damaged`. */
export function parseInitSegment(bytes: Uint8Array): readonly ParsedInitTrack[] {
  const movie = readBoxes(bytes, requireBox(readBoxes(bytes), 'moov'));
  const defaults = parseDefaults(bytes, findBox(movie, 'mvex'));
  const movieTimescale = parseMovieTimescale(bytes, findBox(movie, 'mvhd'));
  const tracks = movie
    .filter((box) => box.type === 'trak')
    .map((trak) => parseTrack(bytes, trak, defaults, movieTimescale));
  if (tracks.length === 0) throw new AppError('source_damaged', 'the MP4 file has no tracks');
  return tracks;
}

function parseTrack(
  bytes: Uint8Array,
  trak: Box,
  allDefaults: ReadonlyMap<number, SampleDefaults>,
  movieTimescale: number,
): ParsedInitTrack {
  const header = fullBoxContentOf(bytes, requirePath(bytes, trak, ['tkhd']));
  header.reader.skip(header.version === 0 ? 8 : 16); // creation and modification times
  const trackId = header.reader.u32();
  const media = requirePath(bytes, trak, ['mdia']);
  const mediaHeader = fullBoxContentOf(bytes, requirePath(bytes, media, ['mdhd']));
  mediaHeader.reader.skip(mediaHeader.version === 0 ? 8 : 16);
  const timescale = mediaHeader.reader.u32();
  if (timescale === 0) throw new AppError('source_damaged', 'an MP4 track has no timescale');
  const handler = fullBoxContentOf(bytes, requirePath(bytes, media, ['hdlr'])).reader;
  handler.skip(4);
  const handlerType = handler.fourCharacterCode();
  const descriptions = requirePath(bytes, media, ['minf', 'stbl', 'stsd']);
  const [sampleEntry] = readBoxes(bytes, descriptions, 8); // behind version, flags and entry_count
  if (sampleEntry === undefined) throw new AppError('source_damaged', 'an MP4 track does not say its codec');
  return {
    trackId,
    timescale,
    presentationOffsetTicks: parsePresentationOffset(bytes, trak, timescale / movieTimescale),
    defaults: allDefaults.get(trackId) ?? { durationTicks: 0, bytes: 0, flags: 0 },
    sampleEntry: bytes.subarray(sampleEntry.start, sampleEntry.end),
    ...parseSampleEntry(bytes, sampleEntry, handlerType),
  };
}

/** Of `mvhd` (8.2.2), in which empty edits are counted; 1 where nothing is. */
function parseMovieTimescale(bytes: Uint8Array, header: Box | undefined): number {
  if (header === undefined) return 1;
  const { version, reader } = fullBoxContentOf(bytes, header);
  reader.skip(version === 0 ? 8 : 16);
  return reader.u32() || 1;
}

/**
 * The media time of the first edit that shows media, less the empty edits before it, which have -1
 * (ISO/IEC 14496-12 8.6.6.3).
 */
function parsePresentationOffset(bytes: Uint8Array, trak: Box, ticksPerMovieTick: number): number {
  const edits = findBox(readBoxes(bytes, trak), 'edts');
  const list = edits === undefined ? undefined : findBox(readBoxes(bytes, edits), 'elst');
  if (list === undefined) return 0;
  const { version, reader } = fullBoxContentOf(bytes, list);
  const count = reader.u32();
  let emptyTicks = 0;
  for (let i = 0; i < count; i++) {
    const duration = version === 0 ? reader.u32() : reader.u64();
    const mediaTime = version === 0 ? reader.i32() : reader.i64();
    reader.skip(4); // media_rate
    if (mediaTime >= 0) return mediaTime - Math.round(emptyTicks);
    emptyTicks += duration * ticksPerMovieTick;
  }
  return 0;
}

type SampleEntry = Pick<
  ParsedInitTrack,
  'kind' | 'codecs' | 'configuration' | 'width' | 'height' | 'channels' | 'sampleRate'
>;

function parseSampleEntry(bytes: Uint8Array, entry: Box, handlerType: string): SampleEntry {
  if (handlerType === 'vide') return parseVisualEntry(bytes, entry);
  if (handlerType === 'soun') return parseAudioEntry(bytes, entry);
  return { kind: 'other', codecs: entry.type };
}

/** VisualSampleEntry (12.1.3): 78 bytes, then boxes. */
function parseVisualEntry(bytes: Uint8Array, entry: Box): SampleEntry {
  const reader = contentOf(bytes, entry);
  reader.skip(24);
  const width = reader.u16();
  const height = reader.u16();
  reader.skip(50);
  const avcC = findBox(readBoxes(bytes, entry, 78), 'avcC');
  const shared = { kind: 'video', width, height } as const;
  if (avcC === undefined) return { ...shared, codecs: entry.type };
  const configuration = bytes.subarray(avcC.contentStart, avcC.end);
  return { ...shared, codecs: codecStringFromAvcC(configuration), configuration };
}

/** AudioSampleEntry (12.2.3): 28 bytes, then boxes. */
function parseAudioEntry(bytes: Uint8Array, entry: Box): SampleEntry {
  const reader = contentOf(bytes, entry);
  reader.skip(16);
  const channels = reader.u16();
  reader.skip(6);
  const sampleRate = Math.floor(reader.u32() / 0x10000); // 16.16 fixed point
  const esds = entry.type === 'mp4a' ? findBox(readBoxes(bytes, entry, 28), 'esds') : undefined;
  const shared = { kind: 'audio', channels, sampleRate } as const;
  if (esds === undefined) return { ...shared, codecs: entry.type };
  const configuration = audioSpecificConfigOf(bytes, esds);
  return { ...shared, codecs: codecStringFromAudioSpecificConfig(configuration), configuration };
}

/** `trex` boxes by track id (8.8.3). */
function parseDefaults(bytes: Uint8Array, mvex: Box | undefined): ReadonlyMap<number, SampleDefaults> {
  const boxes = mvex === undefined ? [] : readBoxes(bytes, mvex).filter((box) => box.type === 'trex');
  return new Map(
    boxes.map((trex) => {
      const { reader } = fullBoxContentOf(bytes, trex);
      const trackId = reader.u32();
      reader.skip(4); // default_sample_description_index
      return [trackId, { durationTicks: reader.u32(), bytes: reader.u32(), flags: reader.u32() }];
    }),
  );
}
