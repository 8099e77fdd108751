/** Reads the bytes of a package's segments, of which nobody knows how large they are. */
import { AppError } from '../errors.ts';
import type { PackagedBytes, PackagedTrack } from '../media/package.ts';
import { joinKey, type ObjectKey, parseObjectKey } from '../storage/object-key.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { fragmentSamples } from './samples/fragment-samples.ts';
import { packedAudioSamples } from './samples/packed-audio-samples.ts';
import type { StreamSamples } from './samples/stream-samples.ts';
import { transportStreamSamples } from './samples/transport-stream-samples.ts';

/** Ten seconds at 50 Mbit/s. */
const MAX_SEGMENT_BYTES = 64 * 1024 * 1024;

/** Where a package lies. */
export type PackagePlace = {
  readonly store: ObjectStore;
  readonly root: string;
  readonly signal: AbortSignal;
};

/** The key of a file of the package. */
export function packagedKey(root: string, path: string): ObjectKey {
  return root === '' ? parseObjectKey(path) : joinKey(root, path);
}

/** All of it; `source_damaged` where it is larger than any segment. */
export async function readPackaged(
  { store, root, signal }: PackagePlace,
  { path, range }: PackagedBytes,
): Promise<Uint8Array> {
  const content = await store.get(packagedKey(root, path), {
    signal,
    ...(range === undefined ? {} : { range }),
  });
  if (content.range.end - content.range.start >= MAX_SEGMENT_BYTES) {
    await content.body.cancel();
    throw new AppError('source_damaged', 'a segment of the package is too large to be wrapped anew');
  }
  return new Response(content.body).bytes();
}

/** At most `bytes` from its beginning. */
export async function readFront(
  place: PackagePlace,
  { path, range }: PackagedBytes,
  bytes: number,
): Promise<Uint8Array> {
  const start = range?.start ?? 0;
  const end = Math.min(range?.end ?? Infinity, start + bytes - 1);
  return readPackaged(place, { path, range: { start, end } });
}

/** The streams of one segment. `init` is that of the track, where its container needs one. */
export function samplesOf(
  container: PackagedTrack['container'],
  init: Uint8Array | undefined,
  segment: Uint8Array,
): readonly StreamSamples[] {
  if (container === 'mpegts') return transportStreamSamples(segment);
  if (container === 'aac') return packedAudioSamples(segment);
  if (container === 'fmp4' && init !== undefined) return fragmentSamples(init, segment);
  throw new AppError('source_damaged', 'segments of this kind cannot be wrapped anew');
}
