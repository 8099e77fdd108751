/** What a CMAF header says of its track, to be said again in a file that is not fragmented. */
import {
  type Box,
  ByteReader,
  contentOf,
  fullBoxContentOf,
  readBoxes,
  requireBox,
  requirePath,
} from './box-reader.ts';
import { AppError } from '../../errors.ts';
import { parseInitSegment } from './parse-init-segment.ts';
import type { SampleDefaults } from './parse-media-segment.ts';

export type TrackTemplate = {
  readonly trackId: number;
  readonly timescale: number;
  /** The composition time that is presented at 0. */
  readonly presentationOffsetTicks: number;
  /** For the segments' parser. */
  readonly defaults: ReadonlyMap<number, SampleDefaults>;
  /** `vide`, `soun`. */
  readonly handlerType: string;
  /** 16.16 fixed point, both 0 for sound. */
  readonly width: number;
  readonly height: number;
  /** Whole boxes, unchanged: `vmhd` or `smhd`, and the sample descriptions. */
  readonly mediaHeader: Uint8Array;
  readonly sampleDescriptions: Uint8Array;
};

/** Bytes of `tkhd` between its duration and its width (ISO/IEC 14496-12 8.3.2.2). */
const BEFORE_WIDTH_BYTES = 52;

/** Reads a header of one track. Throws `source_damaged`, `source_unsupported` for several tracks. */
export function readTrackTemplate(init: Uint8Array): TrackTemplate {
  const tracks = parseInitSegment(init);
  const [track] = tracks;
  if (track === undefined || tracks.length > 1)
    throw new AppError('source_unsupported', 'a segment with several tracks in it');
  const trak = requireBox(readBoxes(init, requireBox(readBoxes(init), 'moov')), 'trak');
  const information = readBoxes(init, requirePath(init, trak, ['mdia', 'minf']));
  const mediaHeader = information.find(({ type }) => type === 'vmhd' || type === 'smhd');
  if (mediaHeader === undefined)
    throw new AppError('source_unsupported', 'a track of neither picture nor sound');
  const handler = contentOf(init, requirePath(init, trak, ['mdia', 'hdlr']));
  handler.skip(8);
  return {
    trackId: track.trackId,
    timescale: track.timescale,
    presentationOffsetTicks: track.presentationOffsetTicks,
    defaults: new Map([[track.trackId, track.defaults]]),
    handlerType: handler.fourCharacterCode(),
    ...readSize(init, requirePath(init, trak, ['tkhd'])),
    mediaHeader: bytesOf(init, mediaHeader),
    sampleDescriptions: bytesOf(init, requireBox(readBoxes(init, requireBox(information, 'stbl')), 'stsd')),
  };
}

function readSize(init: Uint8Array, header: Box): Pick<TrackTemplate, 'width' | 'height'> {
  const { version, reader } = fullBoxContentOf(init, header);
  reader.skip(version === 0 ? 20 : 32); // times, track id, duration
  reader.skip(BEFORE_WIDTH_BYTES);
  return { width: reader.u32(), height: reader.u32() };
}

function bytesOf(init: Uint8Array, box: Box): Uint8Array {
  return new ByteReader(init, box.start, box.end).bytes(box.end - box.start);
}
