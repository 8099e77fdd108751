/** HLS by the browser itself: where Media Source Extensions are missing (iPhone), or when asked for. */
import { captionTracks, toCaptions } from './captions.ts';
import type { Engine, EngineOptions, PlaybackFailure } from './engine.ts';

/** Whether this browser plays HLS without help. */
export function canPlayNatively(media: HTMLVideoElement): boolean {
  return media.canPlayType('application/vnd.apple.mpegurl') !== '';
}

/** The browser gives up at the first 503 of a busy server, so it is told to begin again: this often in a row. */
const RELOADS_MAX = 6;
const RELOAD_DELAY_MS = 1000;

/** Plays `options.url` with the browser's own HLS. Which quality plays is the browser's secret. */
export function createNativeEngine({ media, url, startSeconds, onChange, onFailure }: EngineOptions): Engine {
  const controller = new AbortController();
  const { signal } = controller;
  /** Where to go once there is metadata, and how: a reload forgets it all. */
  let resumed = { seconds: startSeconds, rate: media.playbackRate, play: false };
  let isReady = false;
  let reloads = 0;
  const onLoaded = () => {
    isReady = true;
    const { seconds, rate, play } = resumed;
    if (seconds > 0) media.currentTime = seconds;
    media.playbackRate = rate;
    if (play) media.play().catch(() => undefined);
    onChange();
  };
  const onError = (event: Event) => {
    if (reloads >= RELOADS_MAX || media.error?.code === MediaError.MEDIA_ERR_DECODE) {
      onFailure(failure(media.error));
      return;
    }
    // Nobody else needs to hear of what is about to be mended.
    event.stopImmediatePropagation();
    reloads++;
    if (isReady) {
      resumed = { seconds: media.currentTime, rate: media.playbackRate, play: !media.paused };
      isReady = false;
    }
    setTimeout(() => {
      if (!signal.aborted) media.src = url;
    }, RELOAD_DELAY_MS);
  };
  const onPlaying = () => {
    reloads = 0;
  };
  media.addEventListener('loadedmetadata', onLoaded, { signal });
  media.addEventListener('playing', onPlaying, { signal });
  media.textTracks.addEventListener('addtrack', onChange, { signal });
  // Capturing, to be asked before everyone else who listens.
  media.addEventListener('error', onError, { signal, capture: true });
  media.src = url;
  return {
    name: 'native',
    qualities: () => [],
    playing: () => undefined,
    select: () => undefined,
    // The browser has a menu of its own for them.
    sounds: () => [],
    playingSound: () => undefined,
    selectSound: () => false,
    captions: () =>
      toCaptions(
        captionTracks(media).map((track, index) => ({
          id: String(index),
          label: track.label,
          language: track.language,
          isDefault: track.mode === 'showing',
        })),
      ),
    showCaptions: (id) => {
      for (const [index, track] of captionTracks(media).entries()) {
        track.mode = String(index) === id ? 'showing' : 'disabled';
      }
    },
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
