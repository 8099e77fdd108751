/** How far the encoding of each video is: what is stored, and what is being made just now. */
import { LRUCache } from 'lru-cache';
import type { Video, VideoId } from '../catalog/video.ts';
import type { Broadcast } from '../cluster/broadcast.ts';
import type { SegmentState, VideoEvents } from './events.ts';
import type { Plans } from './plans.ts';
import type { SegmentStore, TrackAddress } from './segment-store.ts';
import type { EncodeMap } from './services.ts';

const LOAD_MS = 2000;
const TOPIC = 'encoding';
type Message = readonly [key: string, isEncoding: boolean];
/** No segment takes longer, unless its encode stands still for others. */
const REMEMBERED_MS = 60_000;

/** Told by the encoders, asked by the API. */
export class SegmentProgress {
  readonly #plans: Plans;
  readonly #segments: SegmentStore;
  readonly #events: VideoEvents;
  readonly #encoding = new Map<string, number>();
  /** By any process. Not for long: one that dies says nothing more. */
  readonly #everywhere = new LRUCache<string, true>({ max: 10_000, ttl: REMEMBERED_MS });
  readonly #broadcast: Broadcast;

  constructor(plans: Plans, segments: SegmentStore, events: VideoEvents, broadcast: Broadcast) {
    this.#plans = plans;
    this.#segments = segments;
    this.#events = events;
    this.#broadcast = broadcast;
    broadcast.subscribe(TOPIC, (message) => {
      const [key, isEncoding] = message as Message;
      if (isEncoding) this.#everywhere.set(key, true);
      else this.#everywhere.delete(key);
    });
  }

  /** So that the questions below are answered from what is stored. Without the store, they are answered as well as can be. */
  async load(video: Video): Promise<void> {
    if (video.source.origin === 'upload') this.#segments.keep(video.id);
    if (video.content?.kind !== 'media' || video.status === 'ready') return;
    await this.#segments.load(video.id, video.revision, AbortSignal.timeout(LOAD_MS)).catch(() => {});
  }

  /** Whether some process is making the segment. */
  isEncoding({ videoId, revision, trackId }: TrackAddress, index: number): boolean {
    return this.#everywhere.has(keyOf({ id: videoId, revision }, trackId, index));
  }

  /** Work on a segment has begun; call what is returned when it has ended, well or not. Again does nothing. */
  begin(video: Video, trackId: string, index: number): () => void {
    const key = keyOf(video, trackId, index);
    this.#encoding.set(key, (this.#encoding.get(key) ?? 0) + 1);
    this.#publish(video, trackId, index);
    let hasEnded = false;
    return () => {
      if (hasEnded) return;
      hasEnded = true;
      const left = (this.#encoding.get(key) ?? 1) - 1;
      if (left > 0) this.#encoding.set(key, left);
      else this.#encoding.delete(key);
      this.#publish(video, trackId, index);
    };
  }

  mapOf(video: Video): EncodeMap {
    const tracks = this.#plans.presentationOf(video)?.tracks ?? [];
    return Object.fromEntries(
      tracks.map(({ id, segments }) => [id, segments.map(({ index }) => this.#stateOf(video, id, index))]),
    );
  }

  /** 0 to 1. */
  fractionOf(video: Video): number {
    const tracks = this.#plans.presentationOf(video)?.tracks ?? [];
    const { stored, total } = this.countsOf(video, new Set(tracks.map(({ id }) => id)));
    return total === 0 ? 0 : stored / total;
  }

  /** How many segments these tracks have together, and how many of them are stored. */
  countsOf(video: Video, trackIds: ReadonlySet<string>): { readonly stored: number; readonly total: number } {
    const tracks = (this.#plans.presentationOf(video)?.tracks ?? []).filter(({ id }) => trackIds.has(id));
    const total = tracks.reduce((sum, { segments }) => sum + segments.length, 0);
    if (video.content?.kind === 'package' || video.status === 'ready') return { stored: total, total };
    const stored = tracks.reduce((sum, { id }) => sum + this.#segments.storedCount(addressOf(video, id)), 0);
    return { stored: Math.min(stored, total), total };
  }

  #stateOf(video: Video, trackId: string, index: number): SegmentState {
    const isStored =
      video.content?.kind === 'package' || this.#segments.isStored(addressOf(video, trackId), index);
    if (isStored) return 'stored';
    return this.isEncoding(addressOf(video, trackId), index) ? 'encoding' : 'waiting';
  }

  #publish(video: Video, trackId: string, index: number): void {
    const key = keyOf(video, trackId, index);
    this.#broadcast.publish(TOPIC, [key, this.#encoding.has(key)] satisfies Message);
    this.#events.publish({
      type: 'segment',
      videoId: video.id,
      trackId,
      index,
      state: this.#stateOf(video, trackId, index),
      encodedFraction: this.fractionOf(video),
    });
  }
}

function addressOf(video: Video, trackId: string): TrackAddress {
  return { videoId: video.id, revision: video.revision, trackId };
}

function keyOf(
  { id, revision }: { readonly id: VideoId; readonly revision: string },
  trackId: string,
  index: number,
): string {
  return `${id}/${revision}/${trackId}/${index}`;
}
