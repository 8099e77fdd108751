import type { Video, VideoId } from '../catalog/video.ts';
import type { VideoRepository } from '../catalog/video-repository.ts';
import { AppError } from '../errors.ts';
import type { Format } from '../formats/format.ts';
import { FORMATS } from '../formats/registry.ts';
import type { Change } from './change.ts';
import { captionsOf } from './captions-of-video.ts';
import { type Presentation, isVideo } from '../media/presentation.ts';
import { editVideo } from './edit-video.ts';
import type { VideoEvents } from './events.ts';
import { packageEntry } from './package-entry.ts';
import { storyboardOf } from './pictures.ts';
import type { Plans } from './plans.ts';
import { removalOf } from './remove-video.ts';
import type { SegmentProgress } from './segment-progress.ts';
import type { SegmentStore } from './segment-store.ts';
import type { PlaybackPaths, QualityPath, VideoService } from './services.ts';

/** What the service is made of. */
export type VideoServiceOptions = {
  readonly videos: VideoRepository;
  readonly plans: Plans;
  readonly progress: SegmentProgress;
  readonly events: VideoEvents;
  readonly change: Change;
  readonly segments: Pick<SegmentStore, 'refuse'>;
};

/** What the API asks about videos. */
export function videoService(options: VideoServiceOptions): VideoService {
  const { videos, plans, progress, events, change, segments } = options;

  async function get(id: VideoId): Promise<Video> {
    const video = await videos.get(id);
    if (video === undefined) throw new AppError('not_found', 'there is no such video');
    await progress.load(video);
    return video;
  }

  function completeFiles(
    video: Video,
    presentation: Presentation | undefined,
    format: Format,
  ): readonly QualityPath[] {
    const files = (presentation && format.qualities?.(presentation)) ?? [];
    return files
      .filter(({ trackIds }) => {
        const { stored, total } = progress.countsOf(video, new Set(trackIds));
        return stored === total;
      })
      .map(({ quality, path }) => ({ quality, path }));
  }

  return {
    async list(query) {
      const page = await videos.list(query);
      await Promise.all(page.items.map((video) => progress.load(video)));
      return page;
    },

    get,
    presentation: (video) => plans.presentationOf(video),
    captions: captionsOf,

    async update(id, edit) {
      const video = await editVideo(videos, id, edit);
      events.publish({ type: 'updated', videoId: id });
      return video;
    },

    async delete(id) {
      const video = await get(id);
      if (video.source.origin === 'library') {
        throw new AppError('invalid_request', 'this video lies in the library folder: remove its file there');
      }
      // From now on nothing of the video is found, and nothing new is begun for it.
      await change(async (changing) => {
        await changing.videos.delete(id);
        changing.enqueue([removalOf(video)]);
      });
      segments.refuse(id);
      events.publish({ type: 'deleted', videoId: id });
    },

    playback(video) {
      const presentation = plans.presentationOf(video);
      if (presentation === undefined || video.status === 'failed') return {};
      const cmaf = plans.cmafOf(video);
      const entries = FORMATS.filter((format) => isOffered(video, format, cmaf))
        .map(
          (format) => [camelCase(format.name), format.entry ?? completeFiles(video, cmaf, format)] as const,
        )
        .filter(([, found]) => found.length > 0);
      return {
        ...(Object.fromEntries(entries) as PlaybackPaths),
        ...posterPath(video, presentation),
        ...(storyboardOf(video, plans) === undefined ? {} : { storyboard: 'storyboard.vtt' }),
      };
    },

    encodeMap: (video) => progress.mapOf(video),
    encodedFraction: (video) => progress.fractionOf(video),
  };
}

/** Sound alone has a poster once somebody has chosen one. */
function posterPath({ poster }: Video, { tracks }: Presentation): Pick<PlaybackPaths, 'poster'> {
  if (poster !== undefined) return { poster: `poster.jpg?v=${poster}` };
  return tracks.some(isVideo) ? { poster: 'poster.jpg' } : {};
}

/** A package always comes in the formats that its own manifests are of; what there is in CMAF, in all that can hold it. */
function isOffered({ content }: Video, { name, accepts }: Format, cmaf: Presentation | undefined): boolean {
  if (content?.kind === 'package' && packageEntry(content.package, name) !== undefined) return true;
  return cmaf !== undefined && (accepts?.(cmaf) ?? true);
}

/** `hls-ts` as JSON has it: `hlsTs`. */
function camelCase(name: string): string {
  return name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
