import { useEffect, useState } from 'preact/hooks';
import { ApiError, getVideo, isSettled, type Video } from '../api.ts';
import { pollWhileVisible } from '../polling.ts';

const REFRESH_MS = 2000;

export type VideoFailure = { readonly isMissing: boolean; readonly message: string };

/** A video, kept up to date until nothing about it will change any more. */
export function useVideo(id: string): {
  video: Video | undefined;
  failure: VideoFailure | undefined;
  retry: () => void;
} {
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

  const isOver = (video !== undefined && isSettled(video)) || failure?.isMissing === true;
  useEffect(() => (isOver ? undefined : pollWhileVisible(refresh, REFRESH_MS)), [id, isOver]);

  return { video, failure, retry: () => setAttempt((n) => n + 1) };
}

/** Encoding goes on without the video being "updated". */
function isSame(a: Video, b: Video): boolean {
  return a.status === b.status && a.encodedFraction === b.encodedFraction;
}

function toFailure(error: unknown): VideoFailure {
  if (error instanceof ApiError) return { isMissing: error.status === 404, message: error.message };
  return { isMissing: false, message: String(error) };
}
