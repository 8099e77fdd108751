/** Room on the disk: a new upload that would not fit is refused before it breaks those that run. */
import type { UploadId } from '../catalog/upload.ts';
import { AppError } from '../errors.ts';
import type { PartialObjects } from '../storage/partial-objects.ts';

export type RoomOptions = {
  readonly partials: PartialObjects;
  /** What is left alone: the catalog and what is being encoded need room as well. */
  readonly minFreeBytes: number;
  readonly now: () => Date;
};

/** An upload that stood still for so long no longer counts as running. */
const RUNNING_MS = 10 * 60 * 1000;

/** Knows what running uploads will still need. */
export class Room {
  readonly #options: RoomOptions;
  readonly #missing = new Map<UploadId, { readonly bytes: number; readonly at: number }>();

  constructor(options: RoomOptions) {
    this.#options = options;
  }

  /** Keeps room for `bytes` more (0 where nobody knows how many); throws `object_store_full` where there is not so much. */
  async keep(id: UploadId, bytes: number): Promise<void> {
    const free = await this.#options.partials.freeBytes();
    const promised = this.#promisedBytes(id);
    if (free !== undefined && free - promised - bytes < this.#options.minFreeBytes) {
      throw new AppError('object_store_full', 'there is not enough room left on the disk');
    }
    this.update(id, bytes);
  }

  /** `bytes` are still missing. */
  update(id: UploadId, bytes: number): void {
    this.#missing.set(id, { bytes, at: this.#options.now().getTime() });
  }

  /** The upload is over. */
  release(id: UploadId): void {
    this.#missing.delete(id);
  }

  #promisedBytes(except: UploadId): number {
    const since = this.#options.now().getTime() - RUNNING_MS;
    let bytes = 0;
    for (const [id, missing] of this.#missing)
      if (id !== except && missing.at > since) bytes += missing.bytes;
    return bytes;
  }
}
