/** Keeps the library as it is on the server, for as long as it is on screen. */
import type { Video } from '../api.ts';
import { followLive } from '../live.ts';
import { type Arrival, dropVideo, refresh, replaceVideo, setArrived, setEncoded } from './store.ts';

const POLL_MS = 4000;

/** A folder of new videos is one question, not one for each. */
const REFRESH_PAUSE_MS = 150;

/** Returns what ends it. */
export function followLibrary(): () => void {
  const lifetime = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const refreshSoon = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      void refresh(lifetime.signal);
    }, REFRESH_PAUSE_MS);
  };
  const stop = followLive({
    path: '/api/v1/events',
    on: {
      reset: refreshSoon,
      video: (video: Video) => {
        if (!replaceVideo(video)) refreshSoon();
      },
      progress: (news: { id: string; encodedFraction: number }) => setEncoded(news.id, news.encodedFraction),
      upload: ({ id, ...arrival }: { id: string } & Arrival) => setArrived(id, arrival),
      deleted: ({ id }: { id: string }) => dropVideo(id),
    },
    poll: refresh,
    pollMs: POLL_MS,
  });
  return () => {
    stop();
    lifetime.abort();
    clearTimeout(timer);
  };
}
