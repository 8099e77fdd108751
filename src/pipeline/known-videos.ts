/** Videos of which segments are asked for, so that a thousand viewers of one cost the catalog what one of them does. */
import { LRUCache } from 'lru-cache';
import type { Video, VideoId } from '../catalog/video.ts';
import type { VideoRepository } from '../catalog/video-repository.ts';
import type { VideoEvents } from './events.ts';

const KEPT_VIDEOS = 200;
/** Changes are told at once; this is for when the word of one is lost. */
const KEPT_MS = 10_000;

/** The catalog through the eyes of players. What is listed, edited or found anew is asked of the catalog itself. */
export class KnownVideos {
  readonly #videos: VideoRepository;
  readonly #known = new LRUCache<VideoId, Promise<Video | undefined>>({ max: KEPT_VIDEOS, ttl: KEPT_MS });

  constructor(videos: VideoRepository, events: VideoEvents) {
    this.#videos = videos;
    events.listen((event) => {
      if (event.type === 'missed') this.#known.clear();
      // Encoding changes nothing of what is planned.
      else if (event.type !== 'segment') this.#known.delete(event.videoId);
    });
  }

  /** As it was at most some seconds ago, and in all likelihood is. Throws what the catalog throws. */
  get(id: VideoId): Promise<Video | undefined> {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const asked = this.#videos.get(id);
    this.#known.set(id, asked);
    // What is not there may come at any moment, and a failure may be over.
    const forget = (): void => {
      if (this.#known.peek(id) === asked) this.#known.delete(id);
    };
    asked.then((video) => video ?? forget(), forget);
    return asked;
  }
}
