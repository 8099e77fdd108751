/** CMAF of a package's own segments: pure, from what was measured and from bytes to bytes. */
import { unwrappedTicks } from './samples/clock.ts';
import { writeInitSegment } from '../containers/isobmff/write-init-segment.ts';
import { type SegmentSample, writeMediaSegment } from '../containers/isobmff/write-media-segment.ts';
import { AppError } from '../errors.ts';
import type { PackageInfo, RewrappedTrack } from '../media/package.ts';
import type { Segment, Track } from '../media/presentation.ts';
import { type PackagePlace, readPackaged, samplesOf } from './packaged-bytes.ts';
import type { StreamSample, StreamSamples } from './samples/stream-samples.ts';

/** A package's own clock and ours may differ by so much in a segment that was measured at its front alone. */
const TOLERANCE_SECONDS = 1;

/** The init segment of a track of `info.rewrapped`; undefined where there is no such track. Throws `source_damaged`. */
export async function rewrappedInit(
  place: PackagePlace,
  info: PackageInfo,
  trackId: string,
): Promise<Uint8Array | undefined> {
  const found = findTrack(info, trackId);
  if (found === undefined) return undefined;
  const [first] = await readParts(place, info, found.source, 0, 1);
  if (first === undefined) throw damaged();
  const { codecs: _, editTicks: __, ...description } = first.description;
  const { trackNumber: number, presentationOffsetTicks } = found.source;
  return writeInitSegment({ ...description, trackId: number, presentationOffsetTicks });
}

/** A segment of a track of `info.rewrapped`; undefined where there is none. Throws `source_damaged`. */
export async function rewrappedSegment(
  place: PackagePlace,
  info: PackageInfo,
  trackId: string,
  index: number,
): Promise<Uint8Array | undefined> {
  const found = findTrack(info, trackId);
  const segment = found?.track.segments[index];
  if (found === undefined || segment === undefined) return undefined;
  const { firstParts, from } = found.source;
  const end = firstParts[index + 1] ?? info.media[from]?.segments.length ?? 0;
  const parts = await readParts(place, info, found.source, firstParts[index] ?? end, end);
  return segmentOf(found.track, found.source, segment, parts);
}

function findTrack({ rewrapped }: PackageInfo, trackId: string) {
  const track = rewrapped?.presentation.tracks.find(({ id }) => id === trackId);
  const source = rewrapped?.sources[trackId];
  return track === undefined || source === undefined ? undefined : { track, source };
}

async function readParts(
  place: PackagePlace,
  info: PackageInfo,
  { from, streamId }: RewrappedTrack,
  first: number,
  end: number,
): Promise<readonly StreamSamples[]> {
  const media = info.media[from];
  if (media === undefined) return [];
  const init = media.init === undefined ? undefined : await readPackaged(place, media.init);
  const parts: StreamSamples[] = [];
  for (const bytes of media.segments.slice(first, end)) {
    const streams = samplesOf(media.container, init, await readPackaged(place, bytes));
    const stream = streams.find((candidate) => candidate.streamId === streamId);
    if (stream !== undefined) parts.push(stream);
  }
  return parts;
}

function segmentOf(
  track: Track,
  source: RewrappedTrack,
  { index, startTicks, durationTicks }: Segment,
  parts: readonly StreamSamples[],
): Uint8Array {
  const samples = parts.flatMap((part) => placed(part, source, startTicks));
  const [first] = samples;
  if (first === undefined) throw damaged();
  // The first segment's place is that of its samples: a track may begin later than others.
  const start = index === 0 ? Math.max(0, first.decodeTicks) : startTicks + source.leadTicks;
  const shift = start - first.decodeTicks;
  if (Math.abs(shift) > TOLERANCE_SECONDS * track.timescale) throw damaged();
  const end = startTicks + durationTicks + source.leadTicks;
  return writeMediaSegment({
    trackId: source.trackNumber,
    sequenceNumber: index + 1,
    baseMediaDecodeTime: start,
    samples: samples.map((sample, i): SegmentSample => {
      const next = samples[i + 1]?.decodeTicks;
      // The last one lasts until the next segment, so that there is neither a gap nor an overlap.
      const until = next === undefined ? end - shift : next;
      return {
        durationTicks: Math.max(1, until - sample.decodeTicks),
        compositionOffsetTicks: sample.compositionOffsetTicks + source.compositionShiftTicks,
        isSync: sample.isSync,
        data: sample.data,
      };
    }),
  });
}

/** On the clock of what is made. */
function placed(
  { samples, wrapTicks }: StreamSamples,
  { originTicks }: RewrappedTrack,
  expectedTicks: number,
): readonly StreamSample[] {
  const first = samples[0]?.decodeTicks ?? 0;
  const begin = unwrappedTicks(first - originTicks, expectedTicks, wrapTicks);
  return samples.map((sample) => ({
    ...sample,
    decodeTicks: Math.round(begin + sample.decodeTicks - first),
  }));
}

function damaged(): AppError {
  return new AppError('source_damaged', 'a segment of the package is not what its first and last were');
}
