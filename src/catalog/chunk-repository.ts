import type { VideoId } from './video.ts';

/** A run of segments that is encoded together in the background: all rungs of the picture, or the sound. */
export type Chunk = {
  readonly videoId: VideoId;
  readonly revision: string;
  readonly kind: 'video' | 'audio';
  /** Segment indexes: `first` up to, not including, `end`. */
  readonly first: number;
  readonly end: number;
};

/** Every implementation passes test/contracts/chunk-repository.contract.ts. */
export type ChunkRepository = {
  /** Adds chunks as waiting; those that are there already stay as they are. All of them or none. */
  add(chunks: readonly Chunk[]): Promise<void>;
  /** Every chunk that is still to be made, of all videos: a video's in the order of time, sound before picture. */
  listWaiting(): Promise<readonly Chunk[]>;
  /** From waiting to done. False if it was not waiting (any more): someone else has done it, or it is gone. */
  markDone(chunk: Chunk): Promise<boolean>;
  /** How many chunks of this revision are still to be made. */
  countWaiting(videoId: VideoId, revision: string): Promise<number>;
  /** Removes the chunks of every other revision of the video; all of them without `keep`. Idempotent. */
  remove(videoId: VideoId, keep?: string): Promise<void>;
};
