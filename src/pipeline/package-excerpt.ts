import type { Video } from '../catalog/video.ts';
import type { SourceBytes } from '../engine/engine.ts';
import { AppError } from '../errors.ts';
import type { PackagedBytes, PackageInfo } from '../media/package.ts';
import { isVideo, type Segment, type Track, type VideoTrack } from '../media/presentation.ts';
import type { Tile } from '../media/storyboard.ts';
import { packagedKeyframes } from '../readers/package-keyframes.ts';
import { joinKey, parseObjectKey } from '../storage/object-key.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** Far enough in that it is seldom a title or a black frame. */
const PARTS = [0.1, 0.25, 0.4];
const MAX_EXCERPT_BYTES = 64 * 1024 * 1024;
/** With longer segments than so many tiles, too many tiles would show the same keyframe. */
const MOST_TILES_TO_SEGMENT = 1.5;

/**
 * A few segments of a package's best video track, behind their init segment: a small media file of its own, to take a
 * picture from. Throws `not_found` where the package has no video track.
 */
export async function packageExcerpt(
  library: ObjectStore,
  video: Video,
  info: PackageInfo,
  signal: AbortSignal,
): Promise<SourceBytes> {
  const track = bestTrack(info);
  const count = info.media[track.id]?.segments.length ?? 0;
  return excerptOf(
    library,
    video,
    info,
    track,
    [...new Set(PARTS.map((part) => Math.floor(count * part)))],
    signal,
  );
}

/** The segment that is shown at `seconds`, as {@link packageExcerpt}, and where in it that is. Throws as that. */
export async function packageFrame(
  library: ObjectStore,
  video: Video,
  info: PackageInfo,
  seconds: number,
  signal: AbortSignal,
): Promise<{ readonly source: SourceBytes; readonly seconds: number }> {
  const track = bestTrack(info);
  const segment = segmentAt(track, seconds);
  const source = await excerptOf(library, video, info, track, [segment.index], signal);
  return { source, seconds: Math.max(0, seconds - segment.startTicks / track.timescale) };
}

/**
 * What a sheet of tiles is made of, and where in the presentation that begins: of each tile the segment in its middle,
 * of the smallest picture that there is. Of segments that are not much longer than tiles, only the keyframes: decoding
 * all that lies between takes seconds (docs/decisions/127). Throws as {@link packageExcerpt}.
 */
export async function packageTiles(
  library: ObjectStore,
  video: Video,
  info: PackageInfo,
  tiles: readonly Tile[],
  signal: AbortSignal,
): Promise<{ readonly source: SourceBytes; readonly startSeconds: number }> {
  const rewrapped = smallestOf(info.rewrapped?.presentation.tracks ?? []);
  const isFine = rewrapped !== undefined && areKeyframesEnough(rewrapped, tiles);
  const track = isFine ? rewrapped : smallestTrack(info);
  if (track === undefined) throw noPicture();
  const segments = tiles.map(({ startSeconds, endSeconds }) =>
    segmentAt(track, (startSeconds + endSeconds) / 2),
  );
  const indexes = [...new Set(segments.map(({ index }) => index))];
  const source = isFine
    ? await keyframesOf(library, video, info, track, indexes, signal)
    : await excerptOf(library, video, info, track, indexes, signal);
  return { source, startSeconds: (segments[0]?.startTicks ?? 0) / track.timescale };
}

/** Each segment begins with one, so no tile shows what is further away than it is long itself, or hardly. */
function areKeyframesEnough({ segments, timescale }: VideoTrack, [tile]: readonly Tile[]): boolean {
  const ticks = segments.reduce((sum, { durationTicks }) => sum + durationTicks, 0);
  const segmentSeconds = ticks / timescale / (segments.length || 1);
  return (
    tile !== undefined && (tile.endSeconds - tile.startSeconds) * MOST_TILES_TO_SEGMENT >= segmentSeconds
  );
}

async function keyframesOf(
  library: ObjectStore,
  video: Video,
  info: PackageInfo,
  track: VideoTrack,
  indexes: readonly number[],
  signal: AbortSignal,
): Promise<SourceBytes> {
  const place = { store: library, root: info.root, signal };
  const bytes = await packagedKeyframes(place, info, track.id, indexes);
  return inMemory(`keyframes/${video.id}/${video.revision}/${track.id}/${indexes.join()}`, bytes);
}

/** Undefined where no track says how large its picture is, or can be cut into excerpts. */
export function smallestTrack({ presentation, media }: PackageInfo): VideoTrack | undefined {
  const isCuttable = ({ id }: VideoTrack): boolean =>
    ['fmp4', 'mpegts', 'webm'].includes(media[id]?.container ?? 'other');
  return smallestOf(presentation.tracks.filter(isVideo).filter(isCuttable));
}

function smallestOf(tracks: readonly Track[]): VideoTrack | undefined {
  return tracks
    .filter(isVideo)
    .filter((track) => track.height > 0 && track.width > 0 && track.segments.length > 0)
    .toSorted((a, b) => a.height - b.height)[0];
}

function segmentAt({ segments, timescale }: VideoTrack, seconds: number): Segment {
  const segment = segments.findLast(({ startTicks }) => startTicks / timescale <= seconds) ?? segments[0];
  if (segment === undefined) throw noPicture();
  return segment;
}

function bestTrack(info: PackageInfo): VideoTrack {
  const [track] = info.presentation.tracks.filter(isVideo).toSorted((a, b) => b.height - a.height);
  if (track === undefined) throw noPicture();
  return track;
}

async function excerptOf(
  library: ObjectStore,
  video: Video,
  info: PackageInfo,
  track: VideoTrack,
  indexes: readonly number[],
  signal: AbortSignal,
): Promise<SourceBytes> {
  const media = info.media[track.id];
  const segments = indexes.flatMap((index) => media?.segments[index] ?? []);
  if (media === undefined || segments.length === 0) throw noPicture();
  const parts = [...(media.init === undefined ? [] : [media.init]), ...segments];
  const chunks: Uint8Array[] = [];
  let left = MAX_EXCERPT_BYTES;
  for (const part of parts) {
    const chunk = await readPart(library, info.root, part, left, signal);
    left -= chunk.length;
    chunks.push(chunk);
  }
  return inMemory(
    `excerpt/${video.id}/${video.revision}/${track.id}/${indexes.join()}`,
    Buffer.concat(chunks),
  );
}

function inMemory(identity: string, bytes: Uint8Array): SourceBytes {
  return {
    identity,
    bytes: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  };
}

async function readPart(
  library: ObjectStore,
  root: string,
  { path, range }: PackagedBytes,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const key = root === '' ? parseObjectKey(path) : joinKey(root, path);
  const content = await library.get(key, { signal, ...(range === undefined ? {} : { range }) });
  if (content.range.end - content.range.start >= maxBytes) {
    await content.body.cancel();
    throw new AppError('not_found', 'the segments of this package are too large to take a picture from');
  }
  return new Uint8Array(await new Response(content.body).arrayBuffer());
}

function noPicture(): AppError {
  return new AppError('not_found', 'there is no picture in this package');
}
