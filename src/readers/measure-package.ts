/**
 * Finds out what a package plays as CMAF. Manifests round, and their times are only good enough for players that read
 * the media's own; so every segment is asked for its time. The first and the last are read whole, of the others no
 * more than it takes.
 */
import PQueue from 'p-queue';
import { SAMPLES_PER_FRAME } from '../containers/aac/adts.ts';
import { firstDecodeTime } from '../containers/isobmff/first-decode-time.ts';
import { writeInitSegment } from '../containers/isobmff/write-init-segment.ts';
import { isAppError } from '../errors.ts';
import type { PackageInfo, PackagedBytes, RewrappedPackage, RewrappedTrack } from '../media/package.ts';
import type { Bitrate, Segment, Track } from '../media/presentation.ts';
import { splitCodecs } from './codec-kinds.ts';
import { frameRateFromCount } from './frame-rates.ts';
import { bitrateOf, type Candidate, durationOf, findStreams, unfit } from './package-streams.ts';
import { type PackagePlace, readFront, readPackaged, samplesOf } from './packaged-bytes.ts';
import { unwrappedTicks } from './samples/clock.ts';
import type { StreamSample, StreamSamples } from './samples/stream-samples.ts';

/** Sixteen hours in six qualities of six seconds. More than that, and looking at each takes too long. */
const MAX_MEASURED_SEGMENTS = 60_000;
const CONCURRENT_READS = 8;
/** The tables of a fragment; the first packets of picture and sound. */
const FRONT_BYTES = [64 * 1024, 512 * 1024];
/** A shorter rest belongs to the segment before it (docs/decisions/011). */
const SHORTEST_SEGMENT_SECONDS = 1;
const LONGEST_SEGMENT_SECONDS = 600;
/** An encoder that needs to look further ahead is none. */
const LONGEST_DELAY_SECONDS = 10;
/** Of times that were kept in ticks of 90 kHz, or in milliseconds before that. */
const ROUNDING_SECONDS = 0.002;
/** Variable rates of sound vary little. */
const AUDIO_PEAK_FACTOR = 1.25;
/** Sound that begins so shortly before the picture is an encoder's priming: presentation begins with the picture. */
const PRIMING_SECONDS = 0.05;

/** Undefined for what can only be played as it lies. Throws what the store throws. */
export async function measurePackage(
  place: PackagePlace,
  info: PackageInfo,
): Promise<RewrappedPackage | undefined> {
  try {
    return await measure(place, info);
  } catch (error) {
    const isUnfit = isAppError(error, 'source_damaged') || isAppError(error, 'range_not_satisfiable');
    // A RangeError: numbers that no box can hold.
    if (isUnfit || error instanceof RangeError) return undefined;
    throw error;
  }
}

async function measure(place: PackagePlace, info: PackageInfo): Promise<RewrappedPackage | undefined> {
  const counts = Object.values(info.media).map(({ segments }) => segments.length);
  if (counts.reduce((sum, count) => sum + count, 0) > MAX_MEASURED_SEGMENTS) return undefined;
  const chosen = await findStreams(place, info);
  const originSeconds = originOf(chosen);
  const measured: Measured[] = [];
  for (const [i, candidate] of chosen.entries())
    measured.push(await measureTrack(place, candidate, originSeconds, i + 1));
  return {
    presentation: { tracks: measured.map(({ track }) => track) },
    sources: Object.fromEntries(measured.map(({ track, source }) => [track.id, source])),
    originSeconds,
  };
}

/** Presentation time 0 in seconds of the media's clock. */
function originOf(candidates: readonly Candidate[]): number {
  const reference = candidates[0] === undefined ? 0 : startSeconds(candidates[0], undefined);
  const starts = (kind: Track['kind']): number =>
    Math.min(
      ...candidates
        .filter(({ stream }) => stream.description.kind === kind)
        .map((candidate) => startSeconds(candidate, reference)),
    );
  const [picture, sound] = [starts('video'), starts('audio')];
  return sound < picture - PRIMING_SECONDS ? sound : picture;
}

/** Where the first sample is presented. Clocks that begin anew may have done so between two tracks. */
function startSeconds({ stream, manifestOriginSeconds }: Candidate, reference: number | undefined): number {
  const { timescale } = stream.description;
  const seconds = presentedTicks(stream) / timescale - manifestOriginSeconds;
  const wrapSeconds = stream.wrapTicks === undefined ? undefined : stream.wrapTicks / timescale;
  return unwrappedTicks(seconds, reference ?? seconds, wrapSeconds);
}

function presentedTicks({ samples, description }: StreamSamples): number {
  const [{ decodeTicks, compositionOffsetTicks }] = samples as [StreamSample];
  return decodeTicks + compositionOffsetTicks - description.editTicks;
}

type Measured = { readonly track: Track; readonly source: RewrappedTrack };

async function measureTrack(
  place: PackagePlace,
  candidate: Candidate,
  originSeconds: number,
  trackNumber: number,
): Promise<Measured> {
  const { stream, packaged, manifestOriginSeconds } = candidate;
  const { description, samples, wrapTicks } = stream;
  const { timescale } = description;
  const [first] = samples as [StreamSample];
  const zero = Math.round((originSeconds + manifestOriginSeconds) * timescale);
  const presented = Math.round(unwrappedTicks(presentedTicks(stream) - zero, 0, wrapTicks));
  const leadTicks = Math.max(0, -presented);
  const compositionShiftTicks = Math.max(0, ...samples.map((sample) => -sample.compositionOffsetTicks));
  const source = {
    from: packaged.id,
    streamId: stream.streamId,
    trackNumber,
    originTicks: first.decodeTicks - presented - leadTicks,
    compositionShiftTicks,
    presentationOffsetTicks: compositionShiftTicks + first.compositionOffsetTicks + leadTicks,
    leadTicks,
  };
  if (source.presentationOffsetTicks > LONGEST_DELAY_SECONDS * timescale) throw unfit();
  const { codecs: _, editTicks: __, ...boxes } = description;
  writeInitSegment({
    ...boxes,
    trackId: trackNumber,
    presentationOffsetTicks: source.presentationOffsetTicks,
  });
  const { segments, firstParts } = await measureSegments(place, candidate, source);
  return { track: trackOf(candidate, segments), source: { ...source, firstParts } };
}

type Clock = Pick<RewrappedTrack, 'originTicks' | 'leadTicks'>;

/** Segments without a sample of the stream, and a short rest, belong to the one before. */
async function measureSegments(place: PackagePlace, candidate: Candidate, clock: Clock) {
  const { stream, media, packaged } = candidate;
  const { timescale } = stream.description;
  const queue = new PQueue({ concurrency: CONCURRENT_READS });
  const times = await queue.addAll(
    media.segments.slice(1).map((bytes) => () => firstTime(place, candidate, bytes)),
  );
  const firstTicks = stream.samples[0]!.decodeTicks - clock.originTicks - clock.leadTicks;
  const starts = [{ part: 0, ticks: firstTicks }];
  times.forEach((time, i) => {
    const part = i + 1;
    const expected = ((packaged.segments[part]?.startTicks ?? 0) / packaged.timescale) * timescale;
    if (time !== undefined) starts.push({ part, ticks: startOn(clock, stream, time, expected) });
  });
  const last = starts.at(-1)!;
  const end = last.ticks + durationOf(last.part === 0 ? stream : await streamIn(place, candidate, last.part));
  // Nothing is shown before the first sample; segments tile the track all the same.
  starts[0] = { part: 0, ticks: 0 };
  if (starts.length > 1 && end - last.ticks < SHORTEST_SEGMENT_SECONDS * timescale) starts.pop();
  const segments = starts.map(({ ticks }, index): Segment => {
    const durationTicks = (starts[index + 1]?.ticks ?? end) - ticks;
    if (!(durationTicks > 0 && durationTicks <= LONGEST_SEGMENT_SECONDS * timescale)) throw unfit();
    return { index, startTicks: ticks, durationTicks };
  });
  return { segments, firstParts: starts.map(({ part }) => part) };
}

/** In presentation time. */
function startOn(
  { originTicks, leadTicks }: Clock,
  stream: StreamSamples,
  time: number,
  expected: number,
): number {
  const { samples, description, wrapTicks } = stream;
  const ticks = unwrappedTicks(time - originTicks, expected, wrapTicks);
  if (description.kind === 'video' || wrapTicks === undefined) return Math.round(ticks) - leadTicks;
  // Frames of sound follow each other, and their times are rounded to ticks of 90 kHz.
  const first = samples[0]!.decodeTicks - originTicks;
  const whole = first + Math.round((ticks - first) / SAMPLES_PER_FRAME) * SAMPLES_PER_FRAME;
  const isNear = Math.abs(whole - ticks) <= ROUNDING_SECONDS * description.timescale;
  return (isNear ? whole : Math.round(ticks)) - leadTicks;
}

/** When the first sample of the stream in a segment is decoded; undefined where it has none. */
async function firstTime(
  place: PackagePlace,
  candidate: Candidate,
  bytes: PackagedBytes,
): Promise<number | undefined> {
  const { media, stream } = candidate;
  for (const limit of FRONT_BYTES) {
    const front = await readFront(place, bytes, limit);
    const time =
      media.container === 'fmp4'
        ? firstDecodeTime(front, stream.streamId)
        : find(samplesOf(media.container, undefined, front), candidate)?.samples[0]?.decodeTicks;
    if (time !== undefined) return time;
    if (front.length < limit) break;
  }
  const whole = samplesOf(media.container, candidate.init, await readPackaged(place, bytes));
  return find(whole, candidate)?.samples[0]?.decodeTicks;
}

async function streamIn(place: PackagePlace, candidate: Candidate, part: number): Promise<StreamSamples> {
  const { media, init } = candidate;
  const bytes = await readPackaged(place, media.segments[part]!);
  const found = find(samplesOf(media.container, init, bytes), candidate);
  if (found === undefined) throw unfit();
  return found;
}

function find(streams: readonly StreamSamples[], { stream }: Candidate): StreamSamples | undefined {
  return streams.find(({ streamId }) => streamId === stream.streamId);
}

function trackOf({ packaged, stream, media }: Candidate, segments: readonly Segment[]): Track {
  const { description } = stream;
  const { timescale } = description;
  const listed = splitCodecs(packaged.codecs);
  if (description.kind === 'video') {
    if (packaged.kind !== 'video') throw unfit();
    const rate = frameRateFromCount(stream.samples.length, durationOf(stream) / timescale);
    return {
      ...packaged,
      timescale,
      segments,
      // Where the sample entry says no more than its name, the manifest must know.
      codecs: description.codecs.includes('.') ? description.codecs : (listed.video[0] ?? description.codecs),
      width: packaged.width || description.width,
      height: packaged.height || description.height,
      frameRate: packaged.frameRate.num > 0 ? packaged.frameRate : rate,
    };
  }
  const { channels, sampleRate } = description;
  // HE-AAC is known to its manifest only.
  const codecs = listed.audio[0] ?? description.codecs;
  if (packaged.kind === 'audio') {
    const facts = { channels: packaged.channels || channels, sampleRate: packaged.sampleRate || sampleRate };
    return { ...packaged, ...facts, timescale, segments, codecs };
  }
  const sound = media.sound ?? { label: channels === 2 ? 'Stereo' : 'Audio', isDefault: true };
  return {
    ...sound,
    id: `a${packaged.id}`,
    kind: 'audio',
    codecs,
    timescale,
    segments,
    channels,
    sampleRate,
    bitrate: bitratesOf(stream),
  };
}

function bitratesOf(stream: StreamSamples): Bitrate {
  const averageBitsPerSecond = Math.ceil(bitrateOf(stream));
  return { averageBitsPerSecond, peakBitsPerSecond: Math.ceil(averageBitsPerSecond * AUDIO_PEAK_FACTOR) };
}
