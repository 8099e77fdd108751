/** A package's media as CMAF, for the formats that it does not come in: made as it is asked for, never stored. */
import { LRUCache } from 'lru-cache';
import type { Video } from '../catalog/video.ts';
import { AppError } from '../errors.ts';
import type { StoredMedia } from '../formats/format.ts';
import type { PackageInfo } from '../media/package.ts';
import { rewrappedInit, rewrappedSegment } from '../readers/rewrap-package.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { memoryResource } from './memory-resource.ts';
import type { Resource } from './resource.ts';
import { SharedWork } from './shared-work.ts';

/** What was made lately: picture and sound of one segment are often asked for one after the other. */
const KEPT_BYTES = 64 * 1024 * 1024;

/** Remembers a little of what it makes. */
export class PackageMedia {
  /** Where packages lie. */
  readonly #library: ObjectStore;
  readonly #made = new LRUCache<string, Resource>({
    maxSize: KEPT_BYTES,
    sizeCalculation: ({ bytes }) => Math.max(1, bytes),
  });
  readonly #making = new SharedWork<Resource>();

  constructor(library: ObjectStore) {
    this.#library = library;
  }

  /** Throws `not_found` where the package has no such media in CMAF, `source_damaged` where its bytes are none. */
  async resource(
    video: Video,
    info: PackageInfo,
    media: StoredMedia,
    signal: AbortSignal,
  ): Promise<Resource> {
    const key = `${video.id}/${video.revision}/${media.trackId}/${media.index}`;
    const made = this.#made.get(key);
    if (made !== undefined) return made;
    const make = (shared: AbortSignal) => this.#make(info, media, key, shared);
    return this.#making.result(key, make, signal);
  }

  async #make(
    info: PackageInfo,
    { trackId, index }: StoredMedia,
    key: string,
    signal: AbortSignal,
  ): Promise<Resource> {
    const place = { store: this.#library, root: info.root, signal };
    const bytes =
      index === 'init'
        ? await rewrappedInit(place, info, trackId)
        : await rewrappedSegment(place, info, trackId, index);
    if (bytes === undefined) throw new AppError('not_found', 'there is nothing at this address');
    const mediaType = index === 'init' ? 'video/mp4' : 'video/iso.segment';
    const resource = memoryResource(bytes, mediaType, { isImmutable: true });
    this.#made.set(key, resource);
    return resource;
  }
}
