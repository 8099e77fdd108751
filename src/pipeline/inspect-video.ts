import type { Video, VideoContent } from '../catalog/video.ts';
import type { VideoRepository } from '../catalog/video-repository.ts';
import { AppError, isAppError } from '../errors.ts';
import type { VideoEvents } from './events.ts';
import type { Log } from './log.ts';

/** What came of an inspection. */
export type Inspected =
  | { readonly status: 'ready' | 'playable'; readonly content: VideoContent }
  | { readonly status: 'failed'; readonly error: NonNullable<Video['error']> };

/** Whom an inspection tells. */
export type InspectionOptions = {
  readonly events: VideoEvents;
  readonly log: Log;
};

/** Moves it on from `inspecting`. Nothing happens to a video that has changed meanwhile. */
export function saveInspected(
  videos: VideoRepository,
  { id, revision }: Video,
  inspected: Inspected,
): Promise<Video | undefined> {
  return videos.update(id, inspected, { revision, status: ['inspecting'] });
}

/**
 * Has `read` find out what a video is, and `save` move it from `inspecting` to `playable` (a package to `ready`), or
 * to `failed` with the reason. Throws `aborted`, and what `save` throws.
 */
export async function inspectVideo(
  { events, log }: InspectionOptions,
  video: Video,
  read: () => Promise<VideoContent>,
  save: (inspected: Inspected) => Promise<Video | undefined>,
): Promise<Video | undefined> {
  const outcome = await read().then<Inspected, Inspected>(
    (content) => ({ status: content.kind === 'package' ? 'ready' : 'playable', content }),
    (error: unknown) => {
      if (isAppError(error, 'aborted')) throw error;
      const { code, message } = isAppError(error) ? error : new AppError('internal', 'the inspection failed');
      log.warn({ err: error, video: video.id, source: video.source.name }, 'a video cannot be played');
      return { status: 'failed', error: { code, message } };
    },
  );
  const inspected = await save(outcome);
  if (inspected !== undefined)
    events.publish({ type: 'status', videoId: video.id, status: inspected.status });
  return inspected;
}
