/** Trick play: the first frame of a segment, in place of all of them. */
import { AppError } from '../../errors.ts';
import { parseMediaSegment } from './parse-media-segment.ts';
import { writeMediaSegment } from './write-media-segment.ts';

/**
 * A segment of the same track that starts at the same time and lasts as long, and holds the first frame alone.
 * `index` is the segment's. Throws `source_damaged` for what is no segment of one track that starts with a frame
 * by which decoding can begin.
 */
export function firstSampleAlone(segment: Uint8Array, index: number): Uint8Array {
  const [track, ...others] = parseMediaSegment(segment);
  const first = track?.samples[0];
  if (track === undefined || first === undefined || others.length > 0 || !first.isSync)
    throw new AppError('source_damaged', 'the segment does not start with a frame that stands alone');
  return writeMediaSegment({
    trackId: track.trackId,
    sequenceNumber: index + 1,
    baseMediaDecodeTime: track.baseMediaDecodeTime,
    samples: [
      {
        durationTicks: track.samples.reduce((sum, sample) => sum + sample.durationTicks, 0),
        compositionOffsetTicks: first.compositionOffsetTicks,
        isSync: true,
        data: segment.subarray(first.offset, first.offset + first.bytes),
      },
    ],
  });
}
