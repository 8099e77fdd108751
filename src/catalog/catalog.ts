/** What Sluice remembers. Which database keeps it is chosen in app.ts. */
import type { SqlTransaction } from '../jobs/job-queue.ts';
import type { ChunkRepository } from './chunk-repository.ts';
import type { UploadRepository } from './upload-repository.ts';
import type { VideoRepository } from './video-repository.ts';

/** What it remembers, by what it is about. */
export type Repositories = {
  readonly videos: VideoRepository;
  readonly chunks: ChunkRepository;
  readonly uploads: UploadRepository;
};

/** An open catalog. */
export type Catalog = Repositories & {
  /**
   * All that `work` changes through the repositories that it is given, or nothing where it throws. It may use no
   * others meanwhile: a database with one connection would wait for itself.
   */
  transaction<T>(work: (within: Repositories, sql: SqlTransaction) => Promise<T>): Promise<T>;
  /** Resolves when the database answers; throws `unavailable` otherwise. */
  ping(): Promise<void>;
  /** Nothing may be called after it. */
  close(): Promise<void>;
};
