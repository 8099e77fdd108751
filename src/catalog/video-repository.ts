import type { Caption } from './caption.ts';
import type { Video, VideoId, VideoMetadata, VideoSource, VideoStatus } from './video.ts';

/** One page of a list; without `nextCursor` it is the last. */
export type VideoPage = { readonly items: readonly Video[]; readonly nextCursor?: string };

export type VideoQuery = {
  /** 1 to 200. */
  readonly limit: number;
  /** From `nextCursor` of the page before; opaque. A malformed one is `invalid_request`. */
  readonly cursor?: string;
  readonly status?: VideoStatus;
  /** Case-insensitive part of the title or of the source's name. */
  readonly q?: string;
};

/** A change to a video: what is absent stays as it is; `null` removes. `updatedAt` is set by the repository. */
export type VideoChange = {
  readonly title?: string;
  readonly description?: string;
  readonly visibility?: Video['visibility'];
  readonly status?: VideoStatus;
  readonly error?: Video['error'] | null;
  readonly source?: VideoSource;
  readonly revision?: string;
  readonly content?: Video['content'] | null;
  /** Replaces what was there. */
  readonly metadata?: VideoMetadata;
  /** Replaces what was there; an empty list removes. */
  readonly captions?: readonly Caption[];
  readonly poster?: string | null;
};

/** What must still be true for a change to happen (compare-and-set). */
export type VideoCondition = {
  readonly status?: readonly VideoStatus[];
  readonly revision?: string;
  /** As it was read; `null` for none. */
  readonly metadata?: VideoMetadata | null;
  /** As they were read; an empty list for none. */
  readonly captions?: readonly Caption[];
  /** As it was read; `null` for none. */
  readonly poster?: string | null;
};

/** Every implementation passes test/contracts/video-repository.contract.ts. */
export type VideoRepository = {
  /** Fails with `invalid_request` if the id, or the origin and key of its source, is already there. */
  insert(video: Video): Promise<void>;
  get(id: VideoId): Promise<Video | undefined>;
  findBySource(origin: VideoSource['origin'], key: string): Promise<Video | undefined>;
  /** Every video of an origin, without `content` and `metadata`: for comparing the library folder with the catalog. */
  listBySource(origin: VideoSource['origin']): Promise<readonly Video[]>;
  /** Newest first (by id). Items are whole, `content` included. */
  list(query: VideoQuery): Promise<VideoPage>;
  /** The changed video, or undefined when it is not there or `condition` does not hold; then nothing is changed. */
  update(id: VideoId, change: VideoChange, condition?: VideoCondition): Promise<Video | undefined>;
  /** Idempotent. */
  delete(id: VideoId): Promise<void>;
};
