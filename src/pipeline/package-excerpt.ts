import type { Video } from '../catalog/video.ts';
import type { SourceBytes } from '../engine/engine.ts';
import { AppError } from '../errors.ts';
import type { PackagedBytes, PackageInfo } from '../media/package.ts';
import { isVideo } from '../media/presentation.ts';
import { joinKey, parseObjectKey } from '../storage/object-key.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** Far enough in that it is seldom a title or a black frame. */
const PART = 0.25;
const MAX_EXCERPT_BYTES = 64 * 1024 * 1024;

/**
 * One segment of a package's best video track, behind its init segment: a small media file of its own, to take
 * a picture from. Throws `not_found` where the package has no video track.
 */
export async function packageExcerpt(
  library: ObjectStore,
  video: Video,
  info: PackageInfo,
  signal: AbortSignal,
): Promise<SourceBytes> {
  const track = info.presentation.tracks.filter(isVideo).toSorted((a, b) => b.height - a.height)[0];
  const media = track === undefined ? undefined : info.media[track.id];
  const segment = media?.segments[Math.floor(media.segments.length * PART)];
  if (segment === undefined) throw new AppError('not_found', 'there is no picture in this package');
  const parts = [...(media?.init === undefined ? [] : [media.init]), segment];
  const chunks = await Promise.all(parts.map((part) => readPart(library, info.root, part, signal)));
  const bytes = Buffer.concat(chunks);
  return {
    identity: `excerpt/${video.id}/${video.revision}`,
    bytes: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  };
}

async function readPart(
  library: ObjectStore,
  root: string,
  { path, range }: PackagedBytes,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const key = root === '' ? parseObjectKey(path) : joinKey(root, path);
  const content = await library.get(key, { signal, ...(range === undefined ? {} : { range }) });
  if (content.range.end - content.range.start > MAX_EXCERPT_BYTES) {
    await content.body.cancel();
    throw new AppError('not_found', 'the segments of this package are too large to take a picture from');
  }
  return new Uint8Array(await new Response(content.body).arrayBuffer());
}
