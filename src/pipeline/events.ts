/** What happens to videos, for whoever is listening. */
import type { VideoId, VideoStatus } from '../catalog/video.ts';
import type { Broadcast } from '../cluster/broadcast.ts';

/** Something that happened. Each says enough to know what to ask for anew. */
export type VideoEvent =
  | { readonly type: 'created' | 'updated' | 'deleted'; readonly videoId: VideoId }
  | { readonly type: 'status'; readonly videoId: VideoId; readonly status: VideoStatus }
  /** Bytes of an upload that have arrived; `totalBytes` where it is known. */
  | {
      readonly type: 'upload-progress';
      readonly videoId: VideoId;
      readonly receivedBytes: number;
      readonly totalBytes?: number;
    }
  /** A segment changed its state. `encodedFraction` is of all segments of the video, 0 to 1. */
  | {
      readonly type: 'segment';
      readonly videoId: VideoId;
      readonly trackId: string;
      readonly index: number;
      readonly state: SegmentState;
      readonly encodedFraction: number;
    }
  /** Events of other processes may have been missed: whatever was known of any video may be old. */
  | { readonly type: 'missed' };

/** `waiting`: nothing is done for it yet. */
export type SegmentState = 'waiting' | 'encoding' | 'stored';

/** Who misses an event may ask the API: nothing here is kept. */
export type VideoEvents = {
  publish(event: VideoEvent): void;
  /** Calls `listener` with every event from now on, at once. */
  listen(listener: (event: VideoEvent) => void): Disposable;
  /** Events from now on, of one video or of all, until `signal` fires. A slow reader loses the oldest ones. */
  subscribe(options: { readonly videoId?: VideoId; readonly signal: AbortSignal }): AsyncIterable<VideoEvent>;
};

/** Events a slow reader may fall behind by. */
const KEPT_EVENTS = 1000;

const TOPIC = 'events';

/** What happens in any process of this Sluice. */
export function createVideoEvents(broadcast: Broadcast): VideoEvents {
  const listeners = new Set<(event: VideoEvent) => void>();
  const tell = (event: VideoEvent): void => {
    for (const listener of listeners) listener(event);
  };
  // Another version of Sluice may say things that we do not know: whoever listens looks at the type.
  broadcast.subscribe(TOPIC, (event) => tell(event as VideoEvent));
  broadcast.onMissed(() => tell({ type: 'missed' }));
  return {
    publish: (event) => broadcast.publish(TOPIC, event),

    listen(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },

    async *subscribe({ videoId, signal }) {
      const events: VideoEvent[] = [];
      let wake = Promise.withResolvers<void>();
      const listen = (event: VideoEvent): void => {
        if (videoId !== undefined && event.type !== 'missed' && event.videoId !== videoId) return;
        if (events.push(event) > KEPT_EVENTS) events.shift();
        wake.resolve();
      };
      const stop = (): void => wake.resolve();
      listeners.add(listen);
      signal.addEventListener('abort', stop, { once: true });
      try {
        while (!signal.aborted) {
          for (let event = events.shift(); event !== undefined; event = events.shift()) yield event;
          await wake.promise;
          wake = Promise.withResolvers();
        }
      } finally {
        listeners.delete(listen);
        signal.removeEventListener('abort', stop);
      }
    },
  };
}
