/** How far the encoding of each video is: what is stored, and what is being made just now. */
import type { Video, VideoId } from '../catalog/video.ts';
import type { SegmentState, VideoEvents } from './events.ts';
import type { Plans } from './plans.ts';
import type { SegmentStore, TrackAddress } from './segment-store.ts';
import type { EncodeMap } from './services.ts';

/** Told by the encoders, asked by the API. */
export class SegmentProgress {
  readonly #plans: Plans;
  readonly #segments: SegmentStore;
  readonly #events: VideoEvents;
  readonly #encoding = new Map<string, number>();

  constructor(plans: Plans, segments: SegmentStore, events: VideoEvents) {
    this.#plans = plans;
    this.#segments = segments;
    this.#events = events;
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
    if (video.content?.kind === 'package' || video.status === 'ready') return 1;
    const tracks = this.#plans.presentationOf(video)?.tracks ?? [];
    const total = tracks.reduce((sum, track) => sum + track.segments.length, 0);
    const stored = tracks.reduce((sum, { id }) => sum + this.#segments.storedCount(addressOf(video, id)), 0);
    return total === 0 ? 0 : Math.min(1, stored / total);
  }

  #stateOf(video: Video, trackId: string, index: number): SegmentState {
    const isStored =
      video.content?.kind === 'package' || this.#segments.isStored(addressOf(video, trackId), index);
    if (isStored) return 'stored';
    return this.#encoding.has(keyOf(video, trackId, index)) ? 'encoding' : 'waiting';
  }

  #publish(video: Video, trackId: string, index: number): void {
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
