/** A CMAF header: everything a player needs before the first segment (ISO/IEC 23000-19 7.3.1). */
import { ByteWriter } from './byte-writer.ts';
import { packLanguage } from './language.ts';
import { writeAacSampleEntry, writeAvcSampleEntry } from './sample-entry.ts';
import type { TrackDescription } from './track-description.ts';

/** Row-major 3x3 identity in 16.16 and 2.30 fixed point (ISO/IEC 14496-12 6.2.2). */
export const IDENTITY_MATRIX = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000];

/**
 * `ftyp` and `moov` for one track that lies wholly in movie fragments. The same description gives the same
 * bytes: there are no dates inside. Throws a RangeError for what the boxes cannot hold.
 */
export function writeInitSegment(track: TrackDescription): Uint8Array<ArrayBuffer> {
  checkDescription(track);
  const writer = new ByteWriter();
  writer.box('ftyp', () => {
    writer.ascii('iso6');
    writer.u32(0);
    writer.ascii('iso6');
    writer.ascii('cmfc'); // ISO/IEC 23000-19 7.2
    writer.ascii('mp41');
  });
  writer.box('moov', () => {
    writeMovieHeader(writer, track);
    writer.box('trak', () => {
      writeTrackHeader(writer, track);
      if (track.presentationOffsetTicks > 0) writeOffsetEdit(writer, track.presentationOffsetTicks);
      writeMedia(writer, track);
    });
    writer.box('mvex', () => writeTrackExtends(writer, track.trackId));
  });
  return writer.finish();
}

function checkDescription(track: TrackDescription): void {
  const isSizeFine =
    track.kind === 'video'
      ? isUint(track.width, 0xffff) && isUint(track.height, 0xffff)
      : isUint(track.channels, 0xffff) && isUint(track.sampleRate, 0xffff);
  const isFine =
    isSizeFine &&
    track.trackId > 0 &&
    isUint(track.trackId, 0xffffffff) &&
    track.timescale > 0 &&
    isUint(track.timescale, 0xffffffff) &&
    isUint(track.presentationOffsetTicks, 0x7fffffff);
  if (!isFine)
    throw new RangeError(`a track that no init segment can describe: ${track.kind} ${track.trackId}`);
}

function isUint(value: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= max;
}

/** Durations are 0 throughout: they are in the fragments (8.8.1). */
function writeMovieHeader(writer: ByteWriter, track: TrackDescription): void {
  writer.fullBox('mvhd', 0, 0, () => {
    writer.zeros(8); // creation_time, modification_time
    writer.u32(track.timescale);
    writer.u32(0);
    writer.u32(0x10000); // rate
    writer.u16(0x100); // volume
    writer.zeros(10);
    for (const value of IDENTITY_MATRIX) writer.u32(value);
    writer.zeros(24);
    writer.u32(track.trackId + 1); // next_track_ID
  });
}

function writeTrackHeader(writer: ByteWriter, track: TrackDescription): void {
  // 8.3.2.1: enabled, in the movie, in the preview
  writer.fullBox('tkhd', 0, 0x7, () => {
    writer.zeros(8);
    writer.u32(track.trackId);
    writer.zeros(4);
    writer.u32(0);
    writer.zeros(8);
    writer.u16(0); // layer
    writer.u16(track.kind === 'audio' ? 1 : 0); // alternate_group: audio tracks replace each other
    writer.u16(track.kind === 'audio' ? 0x100 : 0); // volume
    writer.zeros(2);
    for (const value of IDENTITY_MATRIX) writer.u32(value);
    writer.u32(track.kind === 'video' ? track.width * 0x10000 : 0);
    writer.u32(track.kind === 'video' ? track.height * 0x10000 : 0);
  });
}

/**
 * An offset edit (ISO/IEC 23000-19 7.5.13). With a duration of 0 it covers all fragments to come
 * (ISO/IEC 14496-12 8.6.6.1).
 */
function writeOffsetEdit(writer: ByteWriter, mediaTime: number): void {
  writer.box('edts', () => {
    writer.fullBox('elst', 0, 0, () => {
      writer.u32(1);
      writer.u32(0); // segment_duration
      writer.i32(mediaTime);
      writer.u32(0x10000); // media_rate
    });
  });
}

function writeMedia(writer: ByteWriter, track: TrackDescription): void {
  writer.box('mdia', () => {
    writer.fullBox('mdhd', 0, 0, () => {
      writer.zeros(8);
      writer.u32(track.timescale);
      writer.u32(0);
      writer.u16(packLanguage('und')); // languages belong to manifests
      writer.u16(0);
    });
    writer.fullBox('hdlr', 0, 0, () => {
      writer.u32(0);
      writer.ascii(track.kind === 'video' ? 'vide' : 'soun');
      writer.zeros(12);
      writer.ascii('\0'); // name
    });
    writer.box('minf', () => {
      writeMediaHeader(writer, track.kind);
      writeSelfContainedReference(writer);
      writeSampleTable(writer, track);
    });
  });
}

function writeMediaHeader(writer: ByteWriter, kind: TrackDescription['kind']): void {
  // 12.1.2: a vmhd has flags 1. 12.2.2: an smhd has none.
  if (kind === 'video') writer.fullBox('vmhd', 0, 1, () => writer.zeros(8));
  else writer.fullBox('smhd', 0, 0, () => writer.zeros(4));
}

/** `dinf` (8.7.1): the media is in the file itself. */
export function writeSelfContainedReference(writer: ByteWriter): void {
  writer.box('dinf', () => {
    writer.fullBox('dref', 0, 0, () => {
      writer.u32(1);
      writer.fullBox('url ', 0, 1, () => {}); // flag 1: the media is in this file (8.7.2)
    });
  });
}

/** The sample tables are there and empty: samples are in the fragments. */
function writeSampleTable(writer: ByteWriter, track: TrackDescription): void {
  writer.box('stbl', () => {
    writer.fullBox('stsd', 0, 0, () => {
      writer.u32(1);
      if ('sampleEntry' in track) writer.bytes(track.sampleEntry);
      else if (track.kind === 'video') writeAvcSampleEntry(writer, track);
      else writeAacSampleEntry(writer, track);
    });
    writer.fullBox('stts', 0, 0, () => writer.u32(0));
    writer.fullBox('stsc', 0, 0, () => writer.u32(0));
    writer.fullBox('stsz', 0, 0, () => writer.zeros(8));
    writer.fullBox('stco', 0, 0, () => writer.u32(0));
  });
}

/** Defaults of 0 except the sample description: every segment says its own (ISO/IEC 23000-19 7.5.14). */
function writeTrackExtends(writer: ByteWriter, trackId: number): void {
  writer.fullBox('trex', 0, 0, () => {
    writer.u32(trackId);
    writer.u32(1); // default_sample_description_index
    writer.zeros(12);
  });
}
