/**
 * What a listener has not been told yet, however slowly it listens: of everything that changes often only the last
 * state is kept, so that memory does not grow with what happens.
 */
import type { VideoId } from '../catalog/video.ts';
import type { SegmentState, VideoEvent } from '../pipeline/events.ts';

/** A segment and the state that it is in now. */
export type SegmentNews = { readonly trackId: string; readonly index: number; readonly state: SegmentState };

/** What is new about one video. */
export type VideoNews = {
  /** Everything about it may be different: it was created or changed. */
  isChanged: boolean;
  isDeleted: boolean;
  upload?: { readonly receivedBytes: number; readonly totalBytes?: number };
  encodedFraction?: number;
  /** By track and index. */
  readonly segments: Map<string, SegmentNews>;
};

/** Of one video, above this many changed segments its whole map is news. */
const MAX_SEGMENTS = 500;
/** Above this many videos everything is news. */
const MAX_VIDEOS = 1000;

/** News since the last {@link take}. */
export class News {
  readonly #hasSegments: boolean;
  #videos = new Map<VideoId, VideoNews>();
  #isReset = false;

  /** Without `hasSegments`, a changed segment is news only for how far its video is. */
  constructor({ hasSegments }: { readonly hasSegments: boolean }) {
    this.#hasSegments = hasSegments;
  }

  note(event: VideoEvent): void {
    if (event.type === 'missed') return this.reset();
    const news = this.#of(event.videoId);
    switch (event.type) {
      case 'created':
      case 'updated':
      case 'status':
        news.isChanged = true;
        break;
      case 'deleted':
        news.isDeleted = true;
        break;
      case 'upload-progress': {
        const { receivedBytes, totalBytes } = event;
        news.upload = { receivedBytes, ...(totalBytes === undefined ? {} : { totalBytes }) };
        break;
      }
      case 'segment': {
        news.encodedFraction = event.encodedFraction;
        if (this.#hasSegments) noteSegment(news, event);
      }
    }
    if (this.#videos.size > MAX_VIDEOS) this.reset();
  }

  /** Everything that was known may be old. */
  reset(): void {
    this.#videos.clear();
    this.#isReset = true;
  }

  get isEmpty(): boolean {
    return !this.#isReset && this.#videos.size === 0;
  }

  /** Whether something happened that does not happen many times a second. */
  get isUrgent(): boolean {
    return this.#isReset || this.#videos.values().some(isUrgent);
  }

  /** All news, which are news no longer. */
  take(): { readonly isReset: boolean; readonly videos: ReadonlyMap<VideoId, VideoNews> } {
    const taken = { isReset: this.#isReset, videos: this.#videos };
    this.#isReset = false;
    this.#videos = new Map();
    return taken;
  }

  /** The urgent news, and whatever else there is about the same videos. */
  takeUrgent(): ReturnType<News['take']> {
    const { isReset, videos } = this.take();
    const entries = [...videos];
    this.#videos = new Map(entries.filter(([, about]) => !isUrgent(about)));
    return { isReset, videos: new Map(entries.filter(([, about]) => isUrgent(about))) };
  }

  #of(videoId: VideoId): VideoNews {
    const news = this.#videos.get(videoId) ?? { isChanged: false, isDeleted: false, segments: new Map() };
    this.#videos.set(videoId, news);
    return news;
  }
}

function isUrgent({ isChanged, isDeleted }: VideoNews): boolean {
  return isChanged || isDeleted;
}

function noteSegment(news: VideoNews, { trackId, index, state }: SegmentNews): void {
  if (news.isChanged) return;
  news.segments.set(`${trackId}/${index}`, { trackId, index, state });
  if (news.segments.size <= MAX_SEGMENTS) return;
  news.segments.clear();
  news.isChanged = true;
}
