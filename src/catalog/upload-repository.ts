import type { StoredUpload, UploadId, UploadState } from './upload.ts';
import type { VideoId } from './video.ts';

/** A change to an upload: what is absent stays as it is; `null` removes. */
export type UploadChange = {
  readonly state?: UploadState;
  readonly totalBytes?: number | null;
  readonly expiresAt?: Date;
  readonly validator?: string | null;
};

/** What must still be true for a change to happen (compare-and-set). */
export type UploadCondition = {
  readonly state?: UploadState;
  /** No length has been announced yet. */
  readonly isLengthUnknown?: true;
};

/** Every implementation passes test/contracts/upload-repository.contract.ts. */
export type UploadRepository = {
  /** Fails with `invalid_request` if the id, or an upload for its video, is already there. */
  insert(upload: StoredUpload): Promise<void>;
  get(id: UploadId): Promise<StoredUpload | undefined>;
  findByVideo(videoId: VideoId): Promise<StoredUpload | undefined>;
  /** Every upload in one state, in no order. */
  list(state: UploadState): Promise<readonly StoredUpload[]>;
  /** Those in any state whose time is over at `now`, in no order. */
  listExpired(now: Date): Promise<readonly StoredUpload[]>;
  /** The changed upload, or undefined when it is not there or `condition` does not hold; then nothing is changed. */
  update(id: UploadId, change: UploadChange, condition?: UploadCondition): Promise<StoredUpload | undefined>;
  /** Idempotent. */
  delete(id: UploadId): Promise<void>;
};
