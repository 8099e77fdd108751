/**
 * What servers and workers say to each other about segments that viewers wait for. The job queue sees to it that some
 * worker makes a segment; these messages are about who still wants it.
 */
import { z } from 'zod';
import { parseVideoId, type VideoId } from '../catalog/video.ts';
import type { Broadcast } from '../cluster/broadcast.ts';
import type { ErrorCode } from '../errors.ts';
import type { TrackAddress } from './segment-store.ts';

/** A segment that viewers of the server `from` wait for. */
export type Wish = TrackAddress & { readonly index: number; readonly from: string };

/** Every message by its topic. */
export type WishMessages = {
  /** Said at once, and again while someone waits. */
  readonly 'wish/wanted': Wish;
  /** Nobody waits at that server any more. */
  readonly 'wish/left': Wish;
  /** A worker is making it. Said again while it does. */
  readonly 'wish/making': { readonly key: string };
  /** It cannot be made. */
  readonly 'wish/failed': { readonly key: string; readonly code: ErrorCode; readonly message: string };
  /** A worker makes segments of this track now: others need not go on with it. */
  readonly 'wish/claimed': TrackAddress & { readonly by: string };
  /** A stored segment was sent to a viewer. */
  readonly 'wish/watched': TrackAddress & { readonly index: number };
  /** Nothing of the video is to be made any more. */
  readonly 'wish/stopped': { readonly videoId: VideoId };
};

/** While viewers wait, their server says so this often. */
export const REPEAT_MS = 1000;
/** A server that said nothing for so long wants nothing. */
export const SILENCE_MS = 3500;

const wish = z.object({
  videoId: z.string().transform(parseVideoId),
  revision: z.string(),
  trackId: z.string(),
  index: z.int(),
  from: z.string(),
});

/** From the payload of a job, which another version of Sluice may have written. */
export function parseWish(payload: unknown): Wish {
  return wish.parse(payload);
}

/** Names a segment. */
export function wishKey({ videoId, revision, trackId, index }: Omit<Wish, 'from'>): string {
  return `segment/${videoId}/${revision}/${trackId}/${index}`;
}

/** The messages of a broadcast, with their types. */
export function wishMessages(broadcast: Broadcast) {
  return {
    say<T extends keyof WishMessages>(topic: T, message: WishMessages[T]): void {
      broadcast.publish(topic, message);
    },
    hear<T extends keyof WishMessages>(topic: T, listener: (message: WishMessages[T]) => void): Disposable {
      return broadcast.subscribe(topic, (message) => listener(message as WishMessages[T]));
    },
  };
}
