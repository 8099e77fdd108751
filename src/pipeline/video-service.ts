import { AppError } from '../errors.ts';
import { FORMATS } from '../formats/registry.ts';
import { isVideo } from '../media/presentation.ts';
import type { VideoRepository } from '../catalog/video-repository.ts';
import type { Plans } from './plans.ts';
import type { SegmentStore } from './segment-store.ts';
import type { PlaybackPaths, VideoService } from './services.ts';

/** What the service is made of. */
export type VideoServiceOptions = {
  readonly videos: VideoRepository;
  readonly plans: Plans;
  readonly segments: SegmentStore;
};

/** What the API asks about videos. */
export function videoService({ videos, plans, segments }: VideoServiceOptions): VideoService {
  return {
    list: (query) => videos.list(query),

    async get(id) {
      const video = await videos.get(id);
      if (video === undefined) throw new AppError('not_found', 'there is no such video');
      return video;
    },

    presentation: (video) => plans.presentationOf(video),

    playback(video) {
      const presentation = plans.presentationOf(video);
      if (presentation === undefined || video.status === 'failed') return {};
      const formats = FORMATS.filter(
        ({ name }) => video.content?.kind !== 'package' || video.content.package.format === name,
      );
      const entries = formats.map(({ name, entry }) => [name, entry]);
      return {
        ...(Object.fromEntries(entries) as PlaybackPaths),
        ...(presentation.tracks.some(isVideo) ? { poster: 'poster.jpg' } : {}),
      };
    },

    encodedFraction(video) {
      if (video.content?.kind === 'package') return 1;
      const tracks = plans.presentationOf(video)?.tracks ?? [];
      const total = tracks.reduce((sum, track) => sum + track.segments.length, 0);
      const stored = tracks.reduce(
        (sum, { id }) =>
          sum + segments.storedCount({ videoId: video.id, revision: video.revision, trackId: id }),
        0,
      );
      return total === 0 ? 0 : Math.min(1, stored / total);
    },
  };
}
