import { useEffect, useMemo, useState } from 'preact/hooks';
import { ApiError, getSegments, getVideo, isSettled, type Video } from '../api.ts';
import { createSegments, type Segments, type SegmentState } from '../encode-map/segments.ts';
import type { Arrival } from '../library/store.ts';
import { followLive } from '../live.ts';
import { pollWhileVisible } from '../polling.ts';

const REFRESH_MS = 2000;

export type VideoFailure = { readonly isMissing: boolean; readonly message: string };

export type KnownVideo = {
  readonly video: Video | undefined;
  readonly failure: VideoFailure | undefined;
  readonly retry: () => void;
};

/** A video, asked for again and again until nothing about it will change any more. */
export function useVideo(id: string): KnownVideo {
  const { video, failure, retry, refresh } = useFetched(id);
  const isOver = (video !== undefined && isSettled(video)) || failure?.isMissing === true;
  useEffect(() => (isOver ? undefined : pollWhileVisible(refresh, REFRESH_MS)), [id, isOver]);
  return { video, failure, retry };
}

/** A video as it is at every moment, with what is known of its segments and of its upload. */
export function useLiveVideo(id: string): KnownVideo & {
  readonly segments: Segments;
  readonly arrival: Arrival | undefined;
  /** Takes in what a change was answered with. */
  readonly setVideo: (video: Video) => void;
} {
  const { video, failure, retry, refresh, setVideo, setFailure } = useFetched(id);
  const segments = useMemo(createSegments, [id]);
  const [arrival, setArrival] = useState<Arrival>();
  const isThere = video !== undefined && failure?.isMissing !== true;

  useEffect(() => {
    if (!isThere) return undefined;
    const controller = new AbortController();
    const stop = followLive({
      path: `/api/v1/videos/${encodeURIComponent(id)}/events`,
      on: {
        video: (fresh: Video) => setVideo(fresh),
        segments: segments.reset,
        segment: ({ trackId, index, state }: { trackId: string; index: number; state: SegmentState }) => {
          segments.set(trackId, index, state);
          // Then there may be a file to download.
          if (segments.isComplete(trackId)) void refresh(controller.signal);
        },
        progress: ({ encodedFraction }: { encodedFraction: number }) =>
          setVideo((known) => (known === undefined ? known : { ...known, encodedFraction })),
        upload: (news: Arrival) => setArrival(news),
        deleted: () => setFailure(DELETED),
      },
      poll: async (signal) => {
        await refresh(signal);
        segments.reset(await getSegments(id, signal));
      },
      pollMs: REFRESH_MS,
    });
    return () => {
      controller.abort();
      stop();
    };
  }, [id, isThere]);

  return { video, failure, retry, segments, arrival, setVideo };
}

const DELETED: VideoFailure = { isMissing: true, message: '' };

function useFetched(id: string) {
  const [video, setVideo] = useState<Video>();
  const [failure, setFailure] = useState<VideoFailure>();
  const [attempt, setAttempt] = useState(0);

  const refresh = async (signal: AbortSignal) => {
    try {
      const fresh = await getVideo(id, signal);
      setVideo((known) => (known?.updatedAt === fresh.updatedAt && isSame(known, fresh) ? known : fresh));
      setFailure(undefined);
    } catch (error) {
      if (!signal.aborted) setFailure(toFailure(error));
    }
  };

  useEffect(() => {
    const controller = new AbortController();
    void refresh(controller.signal);
    return () => controller.abort();
  }, [id, attempt]);

  return { video, failure, refresh, setVideo, setFailure, retry: () => setAttempt((n) => n + 1) };
}

/** Encoding goes on without the video being "updated". */
function isSame(a: Video, b: Video): boolean {
  return a.status === b.status && a.encodedFraction === b.encodedFraction && countFiles(a) === countFiles(b);
}

function countFiles({ playback }: Video): number {
  return playback.mp4?.length ?? 0;
}

function toFailure(error: unknown): VideoFailure {
  if (error instanceof ApiError) return { isMissing: error.status === 404, message: error.message };
  return { isMissing: false, message: String(error) };
}
