/** Finished media: init segments, segments and pictures, by the address that viewers use. */
import { LRUCache } from 'lru-cache';
import type { VideoId } from '../catalog/video.ts';
import { AppError, isAppError } from '../errors.ts';
import { joinKey, type ObjectKey } from '../storage/object-key.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { ReadUrls } from '../storage/read-urls.ts';
import type { Redirect, Resource } from './resource.ts';
import { storeResource } from './store-resource.ts';

/** The two places for finished media. */
export type SegmentStores = {
  /** For uploads: what is finished stays. */
  readonly kept: ObjectStore;
  /** For library videos: limited in size, since everything in it can be made again. */
  readonly cached: ObjectStore;
  /** Where viewers fetch what is in them; absent: from us. */
  readonly urls?: { readonly kept: ReadUrls; readonly cached: ReadUrls };
};

/** Videos that were deleted are remembered, so that nothing of them is served while their objects go. */
const REMEMBERED_DELETIONS = 100_000;

/** One track of one revision of one video: what segment numbers are counted in. */
export type TrackAddress = { readonly videoId: VideoId; readonly revision: string; readonly trackId: string };

const SEGMENT_MEDIA_TYPE = { video: 'video/iso.segment', init: 'video/mp4', picture: 'image/jpeg' } as const;

/**
 * Remembers which segments are stored, so that planning ahead asks the store nothing. What it remembers is a
 * hint: only the store itself says whether a segment can be served.
 */
export class SegmentStore {
  readonly #stores: SegmentStores;
  readonly #stored = new Map<string, Set<number>>();
  /** Videos that have something in `kept`. */
  readonly #kept = new Set<string>();
  readonly #deleted = new LRUCache<string, true>({ max: REMEMBERED_DELETIONS });

  private constructor(stores: SegmentStores) {
    this.#stores = stores;
  }

  /** Lists both stores once. Keys in them are `{video}/{revision}/{track}/{index}.m4s`. */
  static async open(stores: SegmentStores, signal: AbortSignal): Promise<SegmentStore> {
    const segments = new SegmentStore(stores);
    for await (const { key } of stores.cached.list('', { signal })) segments.#remember(key);
    for await (const { key } of stores.kept.list('', { signal })) {
      segments.#remember(key);
      segments.keep(videoIdOf(key));
    }
    return segments;
  }

  /** From now on, what is finished of this video stays. Called for uploads, before anything is put. */
  keep(videoId: VideoId): void {
    this.#kept.add(videoId);
  }

  /** The stored segment; undefined if it is not there. */
  async segment(track: TrackAddress, index: number, signal: AbortSignal): Promise<Resource | undefined> {
    const key = segmentKey(track, index);
    const resource = await this.#resource(key, SEGMENT_MEDIA_TYPE.video, signal);
    const { urls } = this.#stores;
    if (resource === undefined || urls === undefined) return resource;
    const from = this.#kept.has(track.videoId) ? urls.kept : urls.cached;
    const elsewhere = async (): Promise<Redirect> => ({
      redirectTo: await from.urlOf(key),
      validForSeconds: from.validForSeconds,
    });
    return { ...resource, elsewhere };
  }

  initSegment(track: TrackAddress, signal: AbortSignal): Promise<Resource | undefined> {
    return this.#resource(initKey(track), SEGMENT_MEDIA_TYPE.init, signal);
  }

  /** A JPEG by its name, such as `poster.jpg`; undefined if it is not there. */
  picture(
    videoId: VideoId,
    revision: string,
    name: string,
    signal: AbortSignal,
  ): Promise<Resource | undefined> {
    return this.#resource(joinKey(videoId, revision, name), SEGMENT_MEDIA_TYPE.picture, signal);
  }

  /** A segment that is there already stays as it is: caches may have it. */
  async putSegment(
    track: TrackAddress,
    index: number,
    bytes: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    const key = segmentKey(track, index);
    if (!this.isStored(track, index)) await this.#put(key, bytes, SEGMENT_MEDIA_TYPE.video, signal);
    this.#remember(key);
  }

  async putInitSegment(track: TrackAddress, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.#put(initKey(track), bytes, SEGMENT_MEDIA_TYPE.init, signal);
  }

  async putPicture(
    videoId: VideoId,
    revision: string,
    name: string,
    bytes: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#put(joinKey(videoId, revision, name), bytes, SEGMENT_MEDIA_TYPE.picture, signal);
  }

  /** Whether the segment is believed to be stored. */
  isStored(track: TrackAddress, index: number): boolean {
    return this.#stored.get(trackPrefix(track))?.has(index) ?? false;
  }

  /** How many segments of the track are believed to be stored. */
  storedCount(track: TrackAddress): number {
    return this.#stored.get(trackPrefix(track))?.size ?? 0;
  }

  /** An object of the store was deleted by others, to make room. */
  forget(key: ObjectKey): void {
    const [track, index] = parseSegmentKey(key) ?? [];
    if (track === undefined || index === undefined) return;
    this.#stored.get(track)?.delete(index);
  }

  /** From now on nothing of the video is served or stored: it is being deleted. */
  refuse(videoId: VideoId): void {
    this.#deleted.set(videoId, true);
  }

  /** Removes everything of a video, or of one revision of it. */
  async deleteAll(videoId: VideoId, revision: string | undefined, signal: AbortSignal): Promise<void> {
    const prefix = revision === undefined ? joinKey(videoId) : joinKey(videoId, revision);
    if (revision === undefined) this.refuse(videoId);
    await this.#storeOf(videoId).deletePrefix(prefix, { signal });
    if (revision === undefined) this.#kept.delete(videoId);
    for (const track of this.#stored.keys()) if (track.startsWith(`${prefix}/`)) this.#stored.delete(track);
  }

  /** Every revision of which a segment is believed to be stored. */
  storedRevisions(): { readonly videoId: VideoId; readonly revision: string }[] {
    const revisions = new Set(
      [...this.#stored.keys()].map((track) => track.slice(0, track.lastIndexOf('/'))),
    );
    return [...revisions].map((prefix) => {
      const [videoId, revision] = prefix.split('/');
      return { videoId: videoId as VideoId, revision: revision! };
    });
  }

  #storeOf(videoId: VideoId): ObjectStore {
    return this.#kept.has(videoId) ? this.#stores.kept : this.#stores.cached;
  }

  async #put(key: ObjectKey, bytes: Uint8Array, contentType: string, signal: AbortSignal): Promise<void> {
    if (this.#deleted.has(videoIdOf(key))) throw new AppError('gone', 'the video was deleted');
    await this.#storeOf(videoIdOf(key)).put(key, bytes, { contentType, isImmutable: true, signal });
  }

  async #resource(key: ObjectKey, mediaType: string, signal: AbortSignal): Promise<Resource | undefined> {
    try {
      if (this.#deleted.has(videoIdOf(key))) return undefined;
      return await storeResource(this.#storeOf(videoIdOf(key)), key, {
        mediaType,
        isImmutable: true,
        signal,
      });
    } catch (error) {
      if (!isAppError(error, 'object_not_found')) throw error;
      this.forget(key);
      return undefined;
    }
  }

  #remember(key: ObjectKey): void {
    const [track, index] = parseSegmentKey(key) ?? [];
    if (track === undefined || index === undefined) return;
    const stored = this.#stored.get(track) ?? new Set();
    this.#stored.set(track, stored.add(index));
  }
}

function videoIdOf(key: string): VideoId {
  return key.slice(0, key.indexOf('/')) as VideoId;
}

function trackPrefix({ videoId, revision, trackId }: TrackAddress): string {
  return `${videoId}/${revision}/${trackId}`;
}

function segmentKey(track: TrackAddress, index: number): ObjectKey {
  return joinKey(trackPrefix(track), `${index}.m4s`);
}

function initKey(track: TrackAddress): ObjectKey {
  return joinKey(trackPrefix(track), 'init.mp4');
}

function parseSegmentKey(key: ObjectKey): readonly [track: string, index: number] | undefined {
  const match = /^([^/]+\/[^/]+\/[^/]+)\/(\d+)\.m4s$/.exec(key);
  return match === null ? undefined : [match[1]!, Number(match[2])];
}
