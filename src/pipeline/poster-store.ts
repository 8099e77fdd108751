/** Posters that people chose, as objects `{video}/{name}.jpg`; which of them a video has is in the catalog. */
import { createHash } from 'node:crypto';
import type { VideoId } from '../catalog/video.ts';
import { isAppError } from '../errors.ts';
import { joinKey, type ObjectKey, parseObjectKey } from '../storage/object-key.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { Resource } from './resource.ts';
import { storeResource } from './store-resource.ts';

const MEDIA_TYPE = 'image/jpeg';
const SUFFIX = '.jpg';

/** One of those that are there. */
export type StoredPoster = {
  readonly videoId: VideoId;
  readonly name: string;
  readonly modifiedAt: Date;
};

/** Keeps posters. Unlike those that Sluice makes, none of them can be made again. */
export class PosterStore {
  readonly #objects: ObjectStore;

  /** `objects` holds nothing else. */
  constructor(objects: ObjectStore) {
    this.#objects = objects;
  }

  /** Stores a JPEG; the answer names it, and another picture has another name. */
  async put(videoId: VideoId, jpeg: Uint8Array, signal: AbortSignal): Promise<string> {
    const name = createHash('sha256').update(jpeg).digest('hex').slice(0, 12);
    await this.#objects.put(keyOf(videoId, name), jpeg, { contentType: MEDIA_TYPE, signal });
    return name;
  }

  /** Undefined where it is not stored. */
  async resource(videoId: VideoId, name: string, signal: AbortSignal): Promise<Resource | undefined> {
    try {
      const options = { mediaType: MEDIA_TYPE, isImmutable: false, signal };
      return await storeResource(this.#objects, keyOf(videoId, name), options);
    } catch (error) {
      if (isAppError(error, 'object_not_found')) return undefined;
      throw error;
    }
  }

  /** Idempotent. */
  async delete(videoId: VideoId, name: string, signal: AbortSignal): Promise<void> {
    await this.#objects.delete(keyOf(videoId, name), { signal });
  }

  /** Idempotent. */
  async deleteAll(videoId: VideoId, signal: AbortSignal): Promise<void> {
    await this.#objects.deletePrefix(parseObjectKey(videoId), { signal });
  }

  /** Every poster there is, in no order. */
  async *list(signal: AbortSignal): AsyncGenerator<StoredPoster> {
    for await (const { key, modifiedAt } of this.#objects.list('', { signal })) {
      const [videoId = '', file = ''] = key.split('/');
      yield {
        videoId: videoId as VideoId,
        name: file.endsWith(SUFFIX) ? file.slice(0, -SUFFIX.length) : file,
        modifiedAt,
      };
    }
  }
}

function keyOf(videoId: string, name: string): ObjectKey {
  return joinKey(videoId, `${name}${SUFFIX}`);
}
