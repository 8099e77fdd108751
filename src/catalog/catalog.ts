/** What Sluice remembers. Which database keeps it is chosen in app.ts. */
import type { ChunkRepository } from './chunk-repository.ts';
import type { UploadRepository } from './upload-repository.ts';
import type { VideoRepository } from './video-repository.ts';

/** An open catalog. */
export type Catalog = {
  readonly videos: VideoRepository;
  readonly chunks: ChunkRepository;
  readonly uploads: UploadRepository;
  /** Resolves when the database answers; throws `unavailable` otherwise. */
  ping(): Promise<void>;
  /** Nothing may be called after it. */
  close(): Promise<void>;
};
