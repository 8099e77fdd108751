import type { Caption } from '../catalog/caption.ts';
import type { Video, VideoId } from '../catalog/video.ts';
import type { VideoRepository } from '../catalog/video-repository.ts';
import { AppError } from '../errors.ts';

/** More than any film has been translated into. */
const MAX_CAPTIONS = 200;
/** How often others may come in between before we give up: each time they have made their change. */
const MAX_ATTEMPTS = 20;

/** What a change made of a video. */
export type CaptionChange = {
  readonly video: Video;
  /** Texts that belong to nothing any more. */
  readonly removed: readonly string[];
};

/**
 * Has `change` make a new list of captions of the one that is there, as a whole or not at all. Throws `not_found`,
 * `invalid_request` (too many), `unavailable` (changed by too many at once), and what `change` throws.
 */
export async function changeCaptions(
  videos: VideoRepository,
  id: VideoId,
  change: (captions: readonly Caption[]) => readonly Caption[],
): Promise<CaptionChange> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const video = await videos.get(id);
    if (video === undefined) throw new AppError('not_found', 'there is no such video');
    const before = video.captions ?? [];
    const captions = change(before);
    if (captions.length > MAX_CAPTIONS) {
      throw new AppError('invalid_request', `a video has at most ${MAX_CAPTIONS} captions`);
    }
    const changed = await videos.update(id, { captions }, { captions: before });
    if (changed === undefined) continue;
    const kept = new Set(captions.map((caption) => caption.id));
    return { video: changed, removed: before.map((caption) => caption.id).filter((each) => !kept.has(each)) };
  }
  throw new AppError('unavailable', 'others are changing this video: try again');
}
