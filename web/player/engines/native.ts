/** HLS by the browser itself: where Media Source Extensions are missing (iPhone), or when asked for. */
import type { Engine, EngineOptions, PlaybackFailure } from './engine.ts';

/** Whether this browser plays HLS without help. */
export function canPlayNatively(media: HTMLVideoElement): boolean {
  return media.canPlayType('application/vnd.apple.mpegurl') !== '';
}

/** Plays `options.url` with the browser's own HLS. Which quality plays is the browser's secret. */
export function createNativeEngine({ media, url, startSeconds, onChange, onFailure }: EngineOptions): Engine {
  const controller = new AbortController();
  const { signal } = controller;
  const onLoaded = () => {
    if (startSeconds > 0) media.currentTime = startSeconds;
    onChange();
  };
  media.addEventListener('loadedmetadata', onLoaded, { once: true, signal });
  media.addEventListener('error', () => onFailure(failure(media.error)), { signal });
  media.src = url;
  return {
    name: 'native',
    qualities: () => [],
    playing: () => undefined,
    select: () => undefined,
    destroy: async () => {
      controller.abort();
      media.removeAttribute('src');
      media.load();
    },
  };
}

function failure(error: MediaError | null): PlaybackFailure {
  const detail = `media error ${error?.code ?? 0}: ${error?.message ?? ''}`;
  if (error?.code === MediaError.MEDIA_ERR_NETWORK) {
    return { kind: 'network', message: 'The connection was lost.', detail };
  }
  if (error?.code === MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED) {
    return { kind: 'unsupported', message: 'This browser cannot play this video.', detail };
  }
  return { kind: 'media', message: 'The video could not be decoded.', detail };
}
