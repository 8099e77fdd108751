/**
 * The front of a progressive MP4 file: `ftyp`, a `moov` with full sample tables, and the header of the one `mdat` that
 * holds all media data. With the tables in front a player knows at once where every picture lies
 * (ISO/IEC 14496-12 8.1 to 8.7).
 */
import { ByteWriter } from './byte-writer.ts';
import { packLanguage, threeLetterLanguage } from './language.ts';
import type { Run, SampleTable } from './sample-table.ts';
import type { TrackTemplate } from './track-template.ts';
import { IDENTITY_MATRIX, writeSelfContainedReference } from './write-init-segment.ts';

export type MovieTrack = {
  readonly template: TrackTemplate;
  readonly table: SampleTable;
  /** Whether players show it unless they are told otherwise. */
  readonly isEnabled: boolean;
  /** BCP 47. */
  readonly language?: string;
  /** What people choose by. */
  readonly name?: string;
};

/** Media data, in the order of the file: so many bytes of `tracks[track]`, the next chunk of its table. */
export type MovieChunk = { readonly track: number; readonly bytes: number };

const UINT32 = 0xffffffff;
/** tkhd flags (8.3.2.1). */
const ENABLED = 0x1;
const IN_MOVIE_AND_PREVIEW = 0x6;
/** At most, for each sample: its size, an entry of each of stts and ctts, and its number in stss. */
const MOST_BYTES_PER_SAMPLE = 24;
/** At most, for each chunk: its offset and an entry of stsc. */
const MOST_BYTES_PER_CHUNK = 20;

/** Where one track lies in the movie. Media times count from the decode time of the track's first sample. */
type Placement = {
  /** In the movie's ticks: nothing is shown before it. */
  readonly delay: number;
  readonly duration: number;
  /** In the track's ticks: what is shown first. */
  readonly mediaTime: number;
};

/** Offsets that can be written only once the length of what stands before them is known. */
type Fixup = { readonly at: number; readonly offsets: readonly number[] };

/** Everything before the media data. The same input gives the same bytes: there are no dates inside. */
export function writeMovieFront(tracks: readonly MovieTrack[], chunks: readonly MovieChunk[]): Uint8Array {
  const dataBytes = chunks.reduce((sum, chunk) => sum + chunk.bytes, 0);
  const mostBytes = dataBytes + mostFrontBytes(tracks, chunks);
  const isLarge = mostBytes > UINT32;
  const offsets = offsetsOf(tracks, chunks);
  const timescale = tracks[0]?.template.timescale ?? 1;
  const placements = placeTracks(tracks, timescale);
  const fixups: Fixup[] = [];
  const writer = new ByteWriter(64 * 1024);

  writer.box('ftyp', () => {
    writer.ascii('isom');
    writer.u32(0x200);
    for (const brand of ['isom', 'iso4', 'mp41', 'mp42']) writer.ascii(brand);
  });
  writer.box('moov', () => {
    writeMovieHeader(writer, timescale, placements);
    tracks.forEach((track, index) => {
      const placement = placements[index]!;
      writer.box('trak', () => {
        writeTrackHeader(writer, track, index + 1, placement);
        writeEdits(writer, placement);
        writer.box('mdia', () => {
          writeMediaHeader(writer, track);
          writeHandler(writer, track);
          writer.box('minf', () => {
            writer.bytes(track.template.mediaHeader);
            writeSelfContainedReference(writer);
            writer.box('stbl', () => {
              writer.bytes(track.template.sampleDescriptions);
              writeSampleTables(writer, track.table);
              fixups.push(reserveOffsets(writer, offsets[index]!, isLarge));
            });
          });
        });
        if (track.name !== undefined) writeName(writer, track.name);
      });
    });
  });
  writeMediaDataHeader(writer, dataBytes, isLarge);
  const front = writer.finish();
  for (const fixup of fixups) fillOffsets(front, fixup, isLarge);
  return front;
}

function mostFrontBytes(tracks: readonly MovieTrack[], chunks: readonly MovieChunk[]): number {
  const samples = tracks.reduce((sum, { table }) => sum + table.sizes.length, 0);
  const descriptions = tracks.reduce((sum, { template }) => sum + template.sampleDescriptions.length, 0);
  const fixed = 4096 * (tracks.length + 1);
  return samples * MOST_BYTES_PER_SAMPLE + chunks.length * MOST_BYTES_PER_CHUNK + descriptions + fixed;
}

/** For each track where its chunks lie, counted from the first byte of media data. */
function offsetsOf(
  tracks: readonly MovieTrack[],
  chunks: readonly MovieChunk[],
): readonly (readonly number[])[] {
  const offsets: number[][] = tracks.map(() => []);
  let position = 0;
  for (const { track, bytes } of chunks) {
    offsets[track]?.push(position);
    position += bytes;
  }
  return offsets;
}

/** The earliest track begins at 0; the others as much later as they are. */
function placeTracks(tracks: readonly MovieTrack[], timescale: number): readonly Placement[] {
  const starts = tracks.map(({ template, table }) => {
    const firstShown = table.firstTicks + (table.compositionOffsets[0]?.value ?? 0);
    return Math.max(0, firstShown - template.presentationOffsetTicks) / template.timescale;
  });
  const origin = Math.min(...starts);
  return tracks.map(({ template, table }, index) => {
    // What lies before the presentation, such as the priming of sound, is left out.
    const mediaTime = Math.max(
      table.compositionOffsets[0]?.value ?? 0,
      template.presentationOffsetTicks - table.firstTicks,
    );
    const shownSeconds = (table.endTicks - mediaTime) / template.timescale;
    return {
      delay: Math.round((starts[index]! - origin) * timescale),
      // Never rounded down: the last sample must not be cut.
      duration: Math.ceil(shownSeconds * timescale - 1e-6),
      mediaTime,
    };
  });
}

function writeMovieHeader(writer: ByteWriter, timescale: number, placements: readonly Placement[]): void {
  const duration = Math.max(...placements.map((placement) => placement.delay + placement.duration));
  const version = duration > UINT32 ? 1 : 0;
  writer.fullBox('mvhd', version, 0, () => {
    writer.zeros(version === 1 ? 16 : 8); // creation_time, modification_time
    writer.u32(timescale);
    writeTime(writer, version, duration);
    writer.u32(0x10000); // rate
    writer.u16(0x100); // volume
    writer.zeros(10);
    for (const value of IDENTITY_MATRIX) writer.u32(value);
    writer.zeros(24);
    writer.u32(placements.length + 1); // next_track_ID
  });
}

function writeTrackHeader(writer: ByteWriter, track: MovieTrack, trackId: number, at: Placement): void {
  const { template, isEnabled } = track;
  const duration = at.delay + at.duration;
  const version = duration > UINT32 ? 1 : 0;
  const isSound = template.handlerType === 'soun';
  writer.fullBox('tkhd', version, IN_MOVIE_AND_PREVIEW | (isEnabled ? ENABLED : 0), () => {
    writer.zeros(version === 1 ? 16 : 8);
    writer.u32(trackId);
    writer.zeros(4);
    writeTime(writer, version, duration);
    writer.zeros(8);
    writer.u16(0); // layer
    writer.u16(isSound ? 1 : 0); // alternate_group: sounds replace each other
    writer.u16(isSound ? 0x100 : 0); // volume
    writer.zeros(2);
    for (const value of IDENTITY_MATRIX) writer.u32(value);
    writer.u32(template.width);
    writer.u32(template.height);
  });
}

/** 8.6.6: nothing until the track begins, then its media from the first picture or sound that is shown. */
function writeEdits(writer: ByteWriter, { delay, duration, mediaTime }: Placement): void {
  const version = Math.max(delay, duration, mediaTime) > 0x7fffffff ? 1 : 0;
  const writeEdit = (ticks: number, time: number): void => {
    writeTime(writer, version, ticks);
    // -1 is an empty edit.
    if (version === 1) writer.u32(time < 0 ? UINT32 : Math.floor(time / 2 ** 32));
    writer.u32(time < 0 ? UINT32 : time % 2 ** 32);
    writer.u32(0x10000); // media_rate
  };
  writer.box('edts', () => {
    writer.fullBox('elst', version, 0, () => {
      writer.u32(delay > 0 ? 2 : 1);
      if (delay > 0) writeEdit(delay, -1);
      writeEdit(duration, mediaTime);
    });
  });
}

function writeMediaHeader(writer: ByteWriter, { template, table, language }: MovieTrack): void {
  const version = table.mediaTicks > UINT32 ? 1 : 0;
  writer.fullBox('mdhd', version, 0, () => {
    writer.zeros(version === 1 ? 16 : 8);
    writer.u32(template.timescale);
    writeTime(writer, version, table.mediaTicks);
    writer.u16(packLanguage(threeLetterLanguage(language)));
    writer.u16(0);
  });
  // 8.4.6: the whole tag, for readers that know it
  if (language !== undefined) {
    writer.fullBox('elng', 0, 0, () => writer.bytes(new TextEncoder().encode(`${language}\0`)));
  }
}

function writeHandler(writer: ByteWriter, { template, name = '' }: MovieTrack): void {
  writer.fullBox('hdlr', 0, 0, () => {
    writer.u32(0);
    writer.ascii(template.handlerType);
    writer.zeros(12);
    writer.bytes(new TextEncoder().encode(`${name.replaceAll('\0', '')}\0`));
  });
}

/** Where FFmpeg and VLC look for a track's title. */
function writeName(writer: ByteWriter, name: string): void {
  writer.box('udta', () => {
    writer.box('name', () => writer.bytes(new TextEncoder().encode(name)));
  });
}

function writeSampleTables(writer: ByteWriter, table: SampleTable): void {
  writer.fullBox('stts', 0, 0, () => writeRuns(writer, table.durations));
  const { compositionOffsets, syncSamples, sizes } = table;
  if (compositionOffsets.some(({ value }) => value !== 0)) {
    // 8.6.1.3: version 1 has signed offsets
    const version = compositionOffsets.some(({ value }) => value < 0) ? 1 : 0;
    writer.fullBox('ctts', version, 0, () => writeRuns(writer, compositionOffsets));
  }
  // 8.6.2: without it, every sample is a sync sample
  if (syncSamples.length < sizes.length) {
    writer.fullBox('stss', 0, 0, () => {
      writer.u32(syncSamples.length);
      for (const number of syncSamples) writer.u32(number);
    });
  }
  writer.fullBox('stsz', 0, 0, () => {
    writer.u32(0); // sizes differ
    writer.u32(sizes.length);
    for (const size of sizes) writer.u32(size);
  });
  writer.fullBox('stsc', 0, 0, () => writeSamplesInChunks(writer, table.samplesInChunk));
}

function writeRuns(writer: ByteWriter, runs: readonly Run[]): void {
  writer.u32(runs.length);
  for (const { count, value } of runs) {
    writer.u32(count);
    if (value < 0) writer.i32(value);
    else writer.u32(value);
  }
}

/** 8.7.4: an entry for each chunk that has another number of samples than the one before. */
function writeSamplesInChunks(writer: ByteWriter, samplesInChunk: readonly number[]): void {
  const firsts = samplesInChunk.flatMap((count, index) =>
    count === samplesInChunk[index - 1] ? [] : [{ chunk: index + 1, count }],
  );
  writer.u32(firsts.length);
  for (const { chunk, count } of firsts) {
    writer.u32(chunk);
    writer.u32(count);
    writer.u32(1); // sample_description_index
  }
}

/** 8.7.5: 64-bit offsets only where 32 bits are not enough. */
function reserveOffsets(writer: ByteWriter, offsets: readonly number[], isLarge: boolean): Fixup {
  let at = 0;
  writer.fullBox(isLarge ? 'co64' : 'stco', 0, 0, () => {
    writer.u32(offsets.length);
    at = writer.offset;
    writer.zeros(offsets.length * (isLarge ? 8 : 4));
  });
  return { at, offsets };
}

function fillOffsets(front: Uint8Array, { at, offsets }: Fixup, isLarge: boolean): void {
  const view = new DataView(front.buffer, front.byteOffset, front.byteLength);
  offsets.forEach((offset, index) => {
    if (isLarge) view.setBigUint64(at + index * 8, BigInt(front.length + offset));
    else view.setUint32(at + index * 4, front.length + offset);
  });
}

/** 4.2.2: a size of 1 says that 64 bits of size follow. */
function writeMediaDataHeader(writer: ByteWriter, dataBytes: number, isLarge: boolean): void {
  writer.u32(isLarge ? 1 : dataBytes + 8);
  writer.ascii('mdat');
  if (isLarge) writer.u64(dataBytes + 16);
}

function writeTime(writer: ByteWriter, version: number, ticks: number): void {
  if (version === 1) writer.u64(ticks);
  else writer.u32(ticks);
}
