/** Where tracks really start and end, and what is between: measured from packets, headers only guide the search. */
import {
  AV_NOPTS_VALUE,
  AV_PKT_FLAG_CORRUPT,
  AVERROR_EAGAIN,
  AVERROR_EOF,
  AVSEEK_FLAG_BACKWARD,
} from 'node-av/constants';
import { Packet, type Stream } from 'node-av/lib';
import type { SourceSpan } from '../../media/source.ts';
import { toNumber } from '../../media/time.ts';
import type { OpenSource } from './source.ts';

/** Times of one packet, in ticks of its stream. */
export type PacketTimes = {
  readonly streamIndex: number;
  /** Its decode time where it has no other: `hasPts` says so. */
  readonly ptsTicks: number;
  readonly hasPts: boolean;
  readonly dtsTicks: number;
  /** 0 where the container does not say. */
  readonly durationTicks: number;
};

const MICROSECONDS = 1_000_000;
/** How many errors in a row are taken for damage in the middle, not for the end. */
const MAX_ERRORS = 200;

/** Reads on from where the demuxer stands; ends at the end of the file, or when `limit` packets were given. */
export async function* readTimes(source: OpenSource, limit: number): AsyncGenerator<PacketTimes> {
  using packet = new Packet();
  packet.alloc();
  let errors = 0;
  for (let count = 0; count < limit; ) {
    const result = await source.readFrame(packet);
    if (result === AVERROR_EOF) return;
    if (result < 0) {
      source.throwIfReadFailed();
      if (result !== AVERROR_EAGAIN && ++errors > MAX_ERRORS) return;
      continue;
    }
    errors = 0;
    const pts = packet.pts === AV_NOPTS_VALUE ? packet.dts : packet.pts;
    // A packet that the file breaks off in is not there.
    if (pts !== AV_NOPTS_VALUE && (packet.flags & AV_PKT_FLAG_CORRUPT) === 0 && packet.size > 0) {
      count++;
      yield {
        streamIndex: packet.streamIndex,
        ptsTicks: Number(pts),
        hasPts: packet.pts !== AV_NOPTS_VALUE,
        dtsTicks: Number(packet.dts === AV_NOPTS_VALUE ? pts : packet.dts),
        durationTicks: Number(packet.duration),
      };
    }
    packet.unref();
  }
}

/**
 * Moves to the last place at or before `seconds` from which decoding can start; false if there is none. Goes by the
 * index of `stream` where one is given.
 */
export async function seekTo(source: OpenSource, seconds: number, stream?: Stream): Promise<boolean> {
  // With a stream, node-av wants the time in its time base; without one, microseconds (docs/decisions/061).
  const target =
    stream === undefined ? seconds * MICROSECONDS : (seconds * stream.timeBase.den) / stream.timeBase.num;
  return source.seekFrame(stream?.index ?? -1, BigInt(Math.round(target)), AVSEEK_FLAG_BACKWARD);
}

/**
 * Moves to the very beginning. Only an MP4 has an index that can be believed in this: elsewhere the first place that
 * seeking knows may be well after the first packet, or seeking to before it fails.
 */
export async function rewind(source: OpenSource, startSeconds: number, stream?: Stream): Promise<void> {
  if (source.handle.container === 'mov' && (await seekTo(source, startSeconds - 10, stream))) return;
  await source.reopen();
}

/** The end of each track's last sample, in ticks, by stream index. */
export type TrackEnds = Map<number, number>;

/** A track whose end is sought. */
export type MeasuredTrack = SourceSpan & { readonly streamIndex: number };

/** How far before the claimed end reading starts; doubled until something is found there. */
const FIRST_STEP_SECONDS = 2;

/**
 * Looks at the end of the file: from shortly before `claimedEndSeconds`, then from earlier and earlier, since a
 * truncated file has nothing where its header says that it ends. Reads the whole file where there is no other way.
 */
export async function measureEnds(
  source: OpenSource,
  wanted: readonly MeasuredTrack[],
  startSeconds: number,
  claimedEndSeconds: number | undefined,
): Promise<TrackEnds> {
  const span = (claimedEndSeconds ?? startSeconds) - startSeconds;
  const tracks = wanted.map((track) => ({ ...track, claimedEndTicks: claimedEndTicks(source, track) }));
  for (let step = FIRST_STEP_SECONDS; step < span; step *= 2) {
    const sought = claimedEndSeconds! - step;
    if (!(await seekTo(source, sought, streamToSeekBy(source, tracks, sought)))) break;
    const { ends, starts } = await readEnds(source);
    if (tracks.every((track) => hasReasonableEnd(ends, track, sought))) return ends;
    // Where seeking led to the very beginning, everything has been read.
    if (tracks.every(({ streamIndex: index, startTicks }) => (starts.get(index) ?? Infinity) <= startTicks))
      return ends;
    // Nothing of some track there: it ends earlier, by its own account or because the file is cut off.
  }
  await rewind(source, startSeconds);
  return (await readEnds(source)).ends;
}

type ClaimingTrack = MeasuredTrack & { readonly claimedEndTicks: number };

/** By the track's own account; infinite where it gives none. */
function claimedEndTicks(source: OpenSource, { streamIndex, startTicks }: MeasuredTrack): number {
  const duration = source.streams[streamIndex]?.duration ?? 0n;
  return duration > 0n ? startTicks + Number(duration) : Number.POSITIVE_INFINITY;
}

/**
 * An MP4 has an index for each track. By that of a picture that ends long before the sound, seeking would lead to the
 * picture's end, and all of the sound behind it would be read.
 */
function streamToSeekBy(
  source: OpenSource,
  tracks: readonly ClaimingTrack[],
  soughtSeconds: number,
): Stream | undefined {
  const reachesIt = ({ claimedEndTicks: end, timeBase }: ClaimingTrack) =>
    end * toNumber(timeBase) > soughtSeconds;
  if (source.handle.container !== 'mov' || tracks[0] === undefined || reachesIt(tracks[0])) return undefined;
  const track = tracks.find(reachesIt);
  return track === undefined ? undefined : source.streams[track.streamIndex];
}

/** To the end of the file. Of each track that is met: the end, and the earliest time. */
async function readEnds(
  source: OpenSource,
): Promise<{ readonly ends: TrackEnds; readonly starts: ReadonlyMap<number, number> }> {
  const ends: TrackEnds = new Map();
  const starts = new Map<number, number>();
  const decodeEnds: TrackEnds = new Map();
  const withoutPts = new Set<number>();
  const later = (map: TrackEnds, streamIndex: number, ticks: number): void => {
    map.set(streamIndex, Math.max(map.get(streamIndex) ?? Number.NEGATIVE_INFINITY, ticks));
  };
  for await (const times of readTimes(source, Number.POSITIVE_INFINITY)) {
    const { streamIndex, hasPts, ptsTicks, dtsTicks, durationTicks } = times;
    later(ends, streamIndex, ptsTicks + durationTicks);
    starts.set(streamIndex, Math.min(starts.get(streamIndex) ?? ptsTicks, ptsTicks));
    if (!hasPts) withoutPts.add(streamIndex);
    const reordered = source.streams[streamIndex]?.codecpar.videoDelay ?? 0;
    later(decodeEnds, streamIndex, dtsTicks + (1 + reordered) * durationTicks);
  }
  // Program streams leave presentation times out; the last picture is shown when the decoder has nothing left.
  if (source.handle.container !== 'avi') {
    for (const index of withoutPts) later(ends, index, decodeEnds.get(index)!);
  }
  return { ends, starts };
}

/**
 * Whether something of the track was found after the place that was sought: then its last packet was, too. Or all that
 * it claims to have.
 */
function hasReasonableEnd(ends: TrackEnds, track: ClaimingTrack, soughtSeconds: number): boolean {
  const end = ends.get(track.streamIndex);
  if (end === undefined) return false;
  return end >= track.claimedEndTicks || end * toNumber(track.timeBase) > soughtSeconds;
}
