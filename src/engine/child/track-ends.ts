/** Where the tracks of a source really end: measured from packets, what headers claim only guides the search. */
import type { Stream } from 'node-av/lib';
import type { SourceSpan } from '../../media/source.ts';
import { toNumber } from '../../media/time.ts';
import type { OpenSource } from './source.ts';
import { MAX_LEAD_SECONDS, readTimes, rewind, seekTo } from './timestamps.ts';

/** The end of each track's last sample, in ticks, by stream index. */
export type TrackEnds = Map<number, number>;

/** A track whose end is sought. */
export type MeasuredTrack = SourceSpan & { readonly streamIndex: number };

type ClaimingTrack = MeasuredTrack & { readonly claimedEndTicks: number };

/** Of each track that was met, by stream index, in ticks. */
type Extents = { readonly starts: ReadonlyMap<number, number>; readonly ends: TrackEnds };

/** How far before the claimed end reading starts; doubled until something is found there. */
const FIRST_STEP_SECONDS = 2;

/** A track was read from its start if it was read from within so much of it: its start may have been moved a little. */
const START_SECONDS = 1;

/**
 * Looks at the end of the file: from shortly before `claimedEndSeconds`, then from earlier and earlier, since a
 * truncated file has nothing where its header says that it ends. Reads the whole file where there is no other way. A
 * track is not read again once its end is known. Tracks without any packet are left out.
 */
export async function measureEnds(
  source: OpenSource,
  wanted: readonly MeasuredTrack[],
  startSeconds: number,
  claimedEndSeconds: number | undefined,
): Promise<TrackEnds> {
  const span = (claimedEndSeconds ?? startSeconds) - startSeconds;
  const ends: TrackEnds = new Map();
  let missing = wanted.map((track) => ({ ...track, claimedEndTicks: claimedEndTicks(source, track) }));
  for (let step = FIRST_STEP_SECONDS; step < span && missing.length > 0; step *= 2) {
    const sought = claimedEndSeconds! - step;
    // FFmpeg seeks by the index of the picture, unless that is left out.
    source.readOnly(indexesOf(wanted));
    const found = await extentsBehind(source, missing, sought);
    if (found === undefined) break;
    // Nothing of some track there: it ends earlier, by its own account or because the file is cut off.
    const isFound = (track: ClaimingTrack) => hasReasonableEnd(found, track, sought);
    for (const { streamIndex } of missing.filter(isFound))
      ends.set(streamIndex, found.ends.get(streamIndex)!);
    missing = missing.filter((track) => !isFound(track));
  }
  if (missing.length === 0) return ends;
  await rewind(source, startSeconds);
  source.readOnly(indexesOf(missing));
  // Opening anew may have read on in other tracks, too: what is known stays.
  return new Map([...(await readExtents(source)).ends, ...ends]);
}

function indexesOf(tracks: readonly MeasuredTrack[]): number[] {
  return tracks.map(({ streamIndex }) => streamIndex);
}

/** By the track's own account; infinite where it gives none. */
function claimedEndTicks(source: OpenSource, { streamIndex, startTicks }: MeasuredTrack): number {
  const duration = source.streams[streamIndex]?.duration ?? 0n;
  return duration > 0n ? startTicks + Number(duration) : Number.POSITIVE_INFINITY;
}

/** What there is of the tracks from shortly before `soughtSeconds`; undefined where seeking fails. */
async function extentsBehind(
  source: OpenSource,
  tracks: readonly ClaimingTrack[],
  soughtSeconds: number,
): Promise<Extents | undefined> {
  if (!source.isIndexSparse) {
    if (!(await seekTo(source, soughtSeconds, streamToSeekBy(source, tracks, soughtSeconds))))
      return undefined;
    source.readOnly(indexesOf(tracks));
    const together = await readExtents(source, soughtSeconds - MAX_LEAD_SECONDS);
    if (together !== undefined) return together;
    source.isIndexSparse = true;
  }
  const starts = new Map<number, number>();
  const ends: TrackEnds = new Map();
  for (const { streamIndex } of tracks) {
    source.readOnly([streamIndex]);
    if (!(await seekTo(source, soughtSeconds, source.streams[streamIndex]))) return undefined;
    const alone = await readExtents(source);
    for (const [index, ticks] of alone.starts) starts.set(index, ticks);
    for (const [index, ticks] of alone.ends) ends.set(index, ticks);
  }
  return { starts, ends };
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

/** Reads to the end of the file. Gives up where what comes first lies before `leastSeconds`. */
async function readExtents(source: OpenSource): Promise<Extents>;
async function readExtents(source: OpenSource, leastSeconds: number): Promise<Extents | undefined>;
async function readExtents(
  source: OpenSource,
  leastSeconds = Number.NEGATIVE_INFINITY,
): Promise<Extents | undefined> {
  const ends: TrackEnds = new Map();
  const starts = new Map<number, number>();
  const decodeEnds: TrackEnds = new Map();
  const withoutPts = new Set<number>();
  const streams = source.streams.map(({ timeBase: { num, den }, codecpar: { videoDelay } }) => ({
    tickSeconds: num / den,
    reordered: videoDelay,
  }));
  for await (const times of readTimes(source, Number.POSITIVE_INFINITY)) {
    const { streamIndex, hasPts, ptsTicks, dtsTicks, durationTicks } = times;
    const { tickSeconds, reordered } = streams[streamIndex] ?? { tickSeconds: 0, reordered: 0 };
    if (ends.size === 0 && ptsTicks * tickSeconds < leastSeconds) return undefined;
    keepLatest(ends, streamIndex, ptsTicks + durationTicks);
    starts.set(streamIndex, Math.min(starts.get(streamIndex) ?? ptsTicks, ptsTicks));
    if (!hasPts) withoutPts.add(streamIndex);
    keepLatest(decodeEnds, streamIndex, dtsTicks + (1 + reordered) * durationTicks);
  }
  // Program streams leave presentation times out; the last picture is shown when the decoder has nothing left.
  if (source.handle.container !== 'avi') {
    for (const index of withoutPts) keepLatest(ends, index, decodeEnds.get(index)!);
  }
  return { ends, starts };
}

function keepLatest(ends: TrackEnds, streamIndex: number, ticks: number): void {
  ends.set(streamIndex, Math.max(ends.get(streamIndex) ?? Number.NEGATIVE_INFINITY, ticks));
}

/**
 * Whether something of the track was found after the place that was sought: then its last packet was, too. Or all that
 * it claims to have, or all of it from its start.
 */
function hasReasonableEnd({ starts, ends }: Extents, track: ClaimingTrack, soughtSeconds: number): boolean {
  const end = ends.get(track.streamIndex);
  if (end === undefined) return false;
  const tickSeconds = toNumber(track.timeBase);
  const isWhole = (starts.get(track.streamIndex)! - track.startTicks) * tickSeconds < START_SECONDS;
  return isWhole || end >= track.claimedEndTicks || end * tickSeconds > soughtSeconds;
}
