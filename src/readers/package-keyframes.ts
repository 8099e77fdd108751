/** The keyframes of some segments of a package as one small MP4, to take pictures from. */
import PQueue from 'p-queue';
import { parseMediaSegment } from '../containers/isobmff/parse-media-segment.ts';
import { type SegmentSample, writeMediaSegment } from '../containers/isobmff/write-media-segment.ts';
import { AppError } from '../errors.ts';
import type { PackageInfo } from '../media/package.ts';
import type { PackagePlace } from './packaged-bytes.ts';
import { rewrappedInit, rewrappedSegment } from './rewrap-package.ts';

const CONCURRENT_READS = 4;

/**
 * Those of the segments `indexes` (ascending) of a track of `info.rewrapped`, each shown until the next one. One
 * fragment, so that whoever reads it knows at once where each lies. Throws `source_damaged`, and what the store throws.
 */
export async function packagedKeyframes(
  place: PackagePlace,
  info: PackageInfo,
  trackId: string,
  indexes: readonly number[],
): Promise<Uint8Array> {
  const queue = new PQueue({ concurrency: CONCURRENT_READS });
  const found = await queue.addAll(indexes.map((index) => () => keyframesOf(place, info, trackId, index)));
  const keyframes = found.flat();
  const init = await rewrappedInit(place, info, trackId);
  const [first] = keyframes;
  const source = info.rewrapped?.sources[trackId];
  if (init === undefined || first === undefined || source === undefined)
    throw new AppError('source_damaged', 'the segments of the package have no keyframes');
  const segment = writeMediaSegment({
    trackId: source.trackNumber,
    sequenceNumber: 1,
    baseMediaDecodeTime: first.decodeTicks,
    samples: keyframes.map(({ decodeTicks, sample }, i) => ({
      ...sample,
      durationTicks: Math.max(
        1,
        (keyframes[i + 1]?.decodeTicks ?? decodeTicks + sample.durationTicks) - decodeTicks,
      ),
    })),
  });
  return Buffer.concat([init, segment]);
}

type Keyframe = { readonly decodeTicks: number; readonly sample: SegmentSample };

async function keyframesOf(
  place: PackagePlace,
  info: PackageInfo,
  trackId: string,
  index: number,
): Promise<readonly Keyframe[]> {
  const segment = await rewrappedSegment(place, info, trackId, index);
  const [track] = segment === undefined ? [] : parseMediaSegment(segment);
  return (track?.samples ?? [])
    .filter(({ isSync }) => isSync)
    .map(({ decodeTimeTicks, offset, bytes, ...sample }) => ({
      decodeTicks: decodeTimeTicks,
      // A copy: the rest of the segment is not kept.
      sample: { ...sample, data: segment!.slice(offset, offset + bytes) },
    }));
}
