import type { Video, VideoContent } from '../catalog/video.ts';
import type { VideoRepository } from '../catalog/video-repository.ts';
import { AppError, isAppError } from '../errors.ts';
import type { VideoEvents } from './events.ts';
import type { Log } from './log.ts';

/** What an inspection changes and tells. */
export type InspectionOptions = {
  readonly videos: VideoRepository;
  readonly events: VideoEvents;
  readonly log: Log;
};

/**
 * Has `read` find out what a video is, and moves it from `inspecting` to `playable` (a package to `ready`), or
 * to `failed` with the reason. Nothing happens to a video that has changed meanwhile. Throws `aborted` only.
 */
export async function inspectVideo(
  { videos, events, log }: InspectionOptions,
  video: Video,
  read: () => Promise<VideoContent>,
): Promise<Video | undefined> {
  const outcome = await read().then(
    (content) => ({ status: content.kind === 'package' ? 'ready' : 'playable', content }) as const,
    (error: unknown) => {
      if (isAppError(error, 'aborted')) throw error;
      const { code, message } = isAppError(error) ? error : new AppError('internal', 'the inspection failed');
      log.warn({ err: error, video: video.id, source: video.source.name }, 'a video cannot be played');
      return { status: 'failed', error: { code, message } } as const;
    },
  );
  const inspected = await videos.update(video.id, outcome, {
    revision: video.revision,
    status: ['inspecting'],
  });
  if (inspected !== undefined)
    events.publish({ type: 'status', videoId: video.id, status: inspected.status });
  return inspected;
}
