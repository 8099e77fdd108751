/** Choosing a poster: a frame of the video, or a picture of one's own. */
import type { Video, VideoId } from '../catalog/video.ts';
import type { VideoRepository } from '../catalog/video-repository.ts';
import type { MediaEngine } from '../engine/engine.ts';
import { AppError } from '../errors.ts';
import type { VideoEvents } from './events.ts';
import { POSTER_SIDE, type Pictures } from './pictures.ts';
import type { PosterStore } from './poster-store.ts';
import type { PosterService } from './services.ts';

/** What choosing a poster takes. */
export type PosterOptions = {
  readonly videos: VideoRepository;
  readonly engine: MediaEngine;
  readonly pictures: Pictures;
  readonly posters: PosterStore;
  readonly events: VideoEvents;
};

/** What a camera or a phone makes is smaller. */
export const MAX_POSTER_BYTES = 20_000_000;
/** How often others may come in between before we give up. */
const MAX_ATTEMPTS = 20;

/** What the API asks about posters. */
export function posterService({ videos, engine, pictures, posters, events }: PosterOptions): PosterService {
  return {
    async chooseFrame(id, seconds, signal) {
      const video = await get(id);
      return choose(video, await pictures.frameAt(video, seconds, signal), signal);
    },

    async choosePicture(id, body, signal) {
      const video = await get(id);
      const image = await collect(body);
      if (image.length === 0) throw new AppError('source_empty', 'the picture is empty');
      return choose(video, await engine.still(image, POSTER_SIDE, signal), signal);
    },

    reset: async (id) => replace(id, null),
  };

  async function get(id: VideoId): Promise<Video> {
    const video = await videos.get(id);
    if (video === undefined) throw new AppError('not_found', 'there is no such video');
    return video;
  }

  async function choose({ id }: Video, jpeg: Uint8Array, signal: AbortSignal): Promise<Video> {
    const name = await posters.put(id, jpeg, signal);
    try {
      return await replace(id, name);
    } catch (error) {
      // Deleted meanwhile: nobody would find it again.
      await posters.delete(id, name, new AbortController().signal);
      throw error;
    }
  }

  /** Of several at once the last one stays, and nothing of the others. */
  async function replace(id: VideoId, poster: string | null): Promise<Video> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const { poster: before = null } = await get(id);
      const video = await videos.update(id, { poster }, { poster: before });
      if (video === undefined) continue;
      if (before !== null && before !== poster)
        await posters.delete(id, before, new AbortController().signal);
      events.publish({ type: 'updated', videoId: id });
      return video;
    }
    throw new AppError('unavailable', 'others are changing this video: try again');
  }
}

async function collect(body: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_POSTER_BYTES) throw posterTooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** For a picture above {@link MAX_POSTER_BYTES}. */
export function posterTooLarge(): AppError {
  return new AppError('source_too_large', `a poster is at most ${MAX_POSTER_BYTES / 1e6} MB`);
}
