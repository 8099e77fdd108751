/** Finished media: init segments, segments and pictures, by the address that viewers use. */
import { LRUCache } from 'lru-cache';
import type { VideoId } from '../catalog/video.ts';
import type { Broadcast } from '../cluster/broadcast.ts';
import { AppError, isAppError } from '../errors.ts';
import type { ByteRange } from '../media/byte-range.ts';
import { joinKey, type ObjectKey } from '../storage/object-key.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { ReadUrls } from '../storage/read-urls.ts';
import { abortable } from './abortable.ts';
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

/** Keys that came or went: of segments, or below which everything went. */
type Message =
  | { readonly stored: string }
  | { readonly removed: readonly string[] }
  | { readonly removedBelow: string; readonly isDeleted: boolean };

const TOPIC = 'segments';
/** Keys in one message. */
const KEYS_AT_ONCE = 50;
/** Revisions whose stored segments are known at a time, where they are not all known from the start. */
const KNOWN_REVISIONS = 2000;

/**
 * Remembers which segments are stored, so that planning ahead asks the store nothing. What it remembers is a
 * hint: only the store itself says whether a segment can be served. Processes tell each other what comes and goes.
 */
export class SegmentStore {
  readonly #stores: SegmentStores;
  readonly #broadcast: Broadcast;
  readonly #stored = new Map<string, Set<number>>();
  /** Videos that have something in `kept`. */
  readonly #kept = new Set<string>();
  readonly #deleted = new LRUCache<string, true>({ max: REMEMBERED_DELETIONS });
  /** The revisions that are known, as `{video}/{revision}`; undefined where everything is. */
  readonly #known: LRUCache<string, Promise<void>> | undefined;
  readonly #waiting = new Map<string, Set<() => void>>();

  private constructor(stores: SegmentStores, broadcast: Broadcast, isPartial: boolean) {
    this.#stores = stores;
    this.#broadcast = broadcast;
    if (isPartial) {
      this.#known = new LRUCache({
        max: KNOWN_REVISIONS,
        dispose: (_, revision) => this.#forgetBelow(revision),
      });
    }
    broadcast.subscribe(TOPIC, (message) => this.#hear(message as Message));
    broadcast.onMissed(() => this.#known?.clear());
  }

  /** For one process alone: lists both stores once. Keys in them are `{video}/{revision}/{track}/{index}.m4s`. */
  static async open(stores: SegmentStores, broadcast: Broadcast, signal: AbortSignal): Promise<SegmentStore> {
    const segments = new SegmentStore(stores, broadcast, false);
    for await (const { key } of stores.cached.list('', { signal })) segments.#remember(key);
    for await (const { key } of stores.kept.list('', { signal })) {
      segments.#remember(key);
      segments.keep(videoIdOf(key));
    }
    return segments;
  }

  /** For one of several processes: lists nothing before {@link load}. */
  static shared(stores: SegmentStores, broadcast: Broadcast): SegmentStore {
    return new SegmentStore(stores, broadcast, true);
  }

  /** Makes sure that {@link isStored} and {@link storedCount} know this revision. */
  async load(videoId: VideoId, revision: string, signal: AbortSignal): Promise<void> {
    if (this.#known === undefined) return;
    const prefix = joinKey(videoId, revision);
    const listing = this.#known.get(prefix) ?? this.#list(prefix);
    this.#known.set(prefix, listing);
    await abortable(listing, signal);
  }

  /** From now on, what is finished of this video stays. Called for uploads, before anything is put. */
  keep(videoId: VideoId): void {
    this.#kept.add(videoId);
  }

  /** Resolves when the segment is stored, by whichever process; rejects when `signal` fires. May miss it: ask as well. */
  async onceStored(track: TrackAddress, index: number, signal: AbortSignal): Promise<void> {
    const key = segmentKey(track, index);
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, waiting.add(resolve));
    try {
      await abortable(promise, signal);
    } finally {
      waiting.delete(resolve);
      if (waiting.size === 0) this.#waiting.delete(key);
    }
  }

  /** Whether viewers are better sent elsewhere for segments. */
  get isElsewhere(): boolean {
    return this.#stores.urls !== undefined;
  }

  /** The stored segment; undefined if it is not there. */
  async segment(
    track: TrackAddress,
    index: number,
    signal: AbortSignal,
    willRead?: ByteRange,
  ): Promise<Resource | undefined> {
    const key = segmentKey(track, index);
    const resource = await this.#resource(key, SEGMENT_MEDIA_TYPE.video, signal, willRead);
    // Another process may have made it: an export, another server.
    if (resource !== undefined) this.#remember(key);
    const { urls } = this.#stores;
    if (resource === undefined || urls === undefined) return resource;
    const from = this.#kept.has(track.videoId) ? urls.kept : urls.cached;
    const elsewhere = async (): Promise<Redirect> => ({
      redirectTo: await from.urlOf(key),
      validForSeconds: from.validForSeconds,
    });
    return { ...resource, elsewhere };
  }

  initSegment(track: TrackAddress, signal: AbortSignal, willRead?: ByteRange): Promise<Resource | undefined> {
    return this.#resource(initKey(track), SEGMENT_MEDIA_TYPE.init, signal, willRead);
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
    this.#tell({ stored: key });
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

  /** Objects were deleted to make room. */
  forget(keys: readonly ObjectKey[]): void {
    for (let start = 0; start < keys.length; start += KEYS_AT_ONCE)
      this.#tell({ removed: keys.slice(start, start + KEYS_AT_ONCE) });
  }

  /** From now on nothing of the video is served or stored, by any process: it is being deleted. */
  refuse(videoId: VideoId): void {
    this.#deleted.set(videoId, true);
    this.#tell({ removedBelow: videoId, isDeleted: true });
  }

  /** Removes everything of a video, or of one revision of it. */
  async deleteAll(videoId: VideoId, revision: string | undefined, signal: AbortSignal): Promise<void> {
    const prefix = revision === undefined ? joinKey(videoId) : joinKey(videoId, revision);
    const isDeleted = revision === undefined;
    if (isDeleted) this.refuse(videoId);
    else this.#tell({ removedBelow: prefix, isDeleted: false });
    await Promise.all(this.#placesOf(videoId).map((store) => store.deletePrefix(prefix, { signal })));
    if (isDeleted) this.#kept.delete(videoId);
    this.#forgetBelow(prefix);
  }

  /** Every revision of which a segment is stored. Lists everything, where not everything is known. */
  async storedRevisions(signal: AbortSignal): Promise<readonly { videoId: VideoId; revision: string }[]> {
    const revisions = new Set<string>();
    const add = (key: string): void => void revisions.add(key.split('/', 2).join('/'));
    if (this.#known === undefined) for (const track of this.#stored.keys()) add(track);
    else {
      for (const store of [this.#stores.kept, this.#stores.cached])
        for await (const { key } of store.list('', { signal })) add(key);
    }
    return [...revisions].map((prefix) => {
      const [videoId, revision] = prefix.split('/');
      return { videoId: videoId as VideoId, revision: revision! };
    });
  }

  #storeOf(videoId: VideoId): ObjectStore {
    return this.#kept.has(videoId) ? this.#stores.kept : this.#stores.cached;
  }

  async #put(key: ObjectKey, bytes: Uint8Array, contentType: string, signal: AbortSignal): Promise<void> {
    const videoId = videoIdOf(key);
    if (this.#deleted.has(videoId)) throw wasDeleted();
    const store = this.#storeOf(videoId);
    await store.put(key, bytes, { contentType, isImmutable: true, signal });
    // Perhaps whoever deletes, here or elsewhere, had looked for objects before this one was there.
    if (!this.#deleted.has(videoId)) return;
    await store.delete(key);
    throw wasDeleted();
  }

  async #resource(
    key: ObjectKey,
    mediaType: string,
    signal: AbortSignal,
    willRead?: ByteRange,
  ): Promise<Resource | undefined> {
    const videoId = videoIdOf(key);
    if (this.#deleted.has(videoId)) return undefined;
    for (const store of this.#placesOf(videoId)) {
      try {
        const found = await storeResource(store, key, { mediaType, isImmutable: true, signal, willRead });
        if (store === this.#stores.kept) this.keep(videoId);
        return found;
      } catch (error) {
        if (!isAppError(error, 'object_not_found')) throw error;
      }
    }
    this.#forget(key);
    return undefined;
  }

  /** Where something of a video may be: what another process has taken in need not be known here. */
  #placesOf(videoId: VideoId): readonly ObjectStore[] {
    const { kept, cached } = this.#stores;
    if (this.#kept.has(videoId)) return [kept];
    return this.#known === undefined ? [cached] : [cached, kept];
  }

  async #list(prefix: ObjectKey): Promise<void> {
    try {
      for (const store of this.#placesOf(videoIdOf(prefix)))
        for await (const { key } of store.list(prefix)) this.#remember(key);
    } catch (error) {
      this.#known?.delete(prefix);
      throw error;
    }
  }

  #tell(message: Message): void {
    this.#broadcast.publish(TOPIC, message);
  }

  #hear(message: Message): void {
    if ('stored' in message) {
      const key = message.stored as ObjectKey;
      if (this.#known === undefined || this.#known.has(key.split('/', 2).join('/'))) this.#remember(key);
      for (const resolve of this.#waiting.get(key) ?? []) resolve();
    } else if ('removed' in message) for (const key of message.removed) this.#forget(key as ObjectKey);
    else {
      this.#forgetBelow(message.removedBelow);
      if (message.isDeleted) this.#deleted.set(message.removedBelow, true);
    }
  }

  #remember(key: ObjectKey): void {
    const [track, index] = parseSegmentKey(key) ?? [];
    if (track === undefined || index === undefined) return;
    const stored = this.#stored.get(track) ?? new Set();
    this.#stored.set(track, stored.add(index));
  }

  #forget(key: ObjectKey): void {
    const [track, index] = parseSegmentKey(key) ?? [];
    if (track === undefined || index === undefined) return;
    this.#stored.get(track)?.delete(index);
  }

  #forgetBelow(prefix: string): void {
    for (const track of this.#stored.keys()) if (track.startsWith(`${prefix}/`)) this.#stored.delete(track);
  }
}

function wasDeleted(): AppError {
  return new AppError('gone', 'the video was deleted');
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
