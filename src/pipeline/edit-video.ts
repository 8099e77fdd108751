/** A person's change to a video. */
import type { Video, VideoId, VideoMetadata } from '../catalog/video.ts';
import type { VideoRepository } from '../catalog/video-repository.ts';
import { AppError } from '../errors.ts';
import type { VideoEdit } from './services.ts';

/** Entries of metadata that a video has at most. */
export const MAX_METADATA_ENTRIES = 50;

/** How often others may come in between before we give up: each time they have made their change. */
const MAX_ATTEMPTS = 20;

/**
 * Makes the change as a whole, or not at all. Two people may change different entries of the metadata at the same
 * time. Throws `not_found`, `invalid_request` (too many entries), `unavailable` (changed by too many at once).
 */
export async function editVideo(videos: VideoRepository, id: VideoId, edit: VideoEdit): Promise<Video> {
  const { metadata: patch, ...others } = edit;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const video = await videos.get(id);
    if (video === undefined) throw new AppError('not_found', 'there is no such video');
    const change =
      patch === undefined ? others : { ...others, metadata: mergeMetadata(video.metadata ?? {}, patch) };
    const condition = patch === undefined ? {} : { metadata: video.metadata ?? null };
    const changed = await videos.update(id, change, condition);
    if (changed !== undefined) return changed;
  }
  throw new AppError('unavailable', 'others are changing this video: try again');
}

/** RFC 7396: `null` removes an entry, what is not named stays. */
function mergeMetadata(current: VideoMetadata, patch: NonNullable<VideoEdit['metadata']>): VideoMetadata {
  const merged = new Map<string, string>(Object.entries(current));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, value);
  }
  if (merged.size > MAX_METADATA_ENTRIES) {
    throw new AppError('invalid_request', `metadata: there are at most ${MAX_METADATA_ENTRIES} entries`);
  }
  return Object.fromEntries(merged);
}
