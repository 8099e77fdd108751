/** The texts of captions, as objects `{video}/{id}.vtt`; which of them a video has is in the catalog. */
import { createHash } from 'node:crypto';
import type { VideoId } from '../catalog/video.ts';
import { joinKey, type ObjectKey, parseObjectKey } from '../storage/object-key.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { Resource } from './resource.ts';
import { storeResource } from './store-resource.ts';

const MEDIA_TYPE = 'text/vtt; charset=utf-8';
const SUFFIX = '.vtt';

/** One of those that are there. */
export type StoredText = { readonly videoId: VideoId; readonly id: string; readonly modifiedAt: Date };

/** Keeps texts. */
export class CaptionStore {
  readonly #objects: ObjectStore;

  /** `objects` holds nothing else. */
  constructor(objects: ObjectStore) {
    this.#objects = objects;
  }

  /** Stores a text; the answer names it, and another text has another id. */
  async put(videoId: VideoId, language: string, text: string, signal: AbortSignal): Promise<string> {
    const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
    const id = `${language}-${hash}`;
    await this.putAs(videoId, id, text, signal);
    return id;
  }

  /** Stores a text under an id that is known beforehand. */
  async putAs(videoId: VideoId, id: string, text: string, signal: AbortSignal): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    await this.#objects.put(keyOf(videoId, id), bytes, { contentType: MEDIA_TYPE, signal });
  }

  /** Throws `object_not_found` where it is not stored. */
  async resource(videoId: VideoId, id: string, signal: AbortSignal): Promise<Resource> {
    const options = { mediaType: MEDIA_TYPE, isImmutable: true, signal };
    return storeResource(this.#objects, keyOf(videoId, id), options);
  }

  /** Idempotent. */
  async delete(videoId: VideoId, id: string, signal: AbortSignal): Promise<void> {
    await this.#objects.delete(keyOf(videoId, id), { signal });
  }

  /** Idempotent. */
  async deleteAll(videoId: VideoId, signal: AbortSignal): Promise<void> {
    await this.#objects.deletePrefix(parseObjectKey(videoId), { signal });
  }

  /** Every text there is, in no order. */
  async *list(signal: AbortSignal): AsyncGenerator<StoredText> {
    for await (const { key, modifiedAt } of this.#objects.list('', { signal })) {
      const [videoId = '', name = ''] = key.split('/');
      yield {
        videoId: videoId as VideoId,
        id: name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : name,
        modifiedAt,
      };
    }
  }
}

function keyOf(videoId: string, id: string): ObjectKey {
  return joinKey(videoId, `${id}${SUFFIX}`);
}
