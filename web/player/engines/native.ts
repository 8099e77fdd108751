/** HLS by the browser itself: where Media Source Extensions are missing (iPhone), or when asked for. */
import { captionTracks, toCaptions } from './captions.ts';
import type { Engine, EngineOptions, PlaybackFailure } from './engine.ts';
import { audioTracks, nativeSounds, selectNativeSound } from './native-sounds.ts';
import { nearestSound } from './sounds.ts';

/** Whether this browser plays HLS without help. */
export function canPlayNatively(media: HTMLVideoElement): boolean {
  return media.canPlayType('application/vnd.apple.mpegurl') !== '';
}

/** The browser gives up at the first 503 of a busy server, so it is told to begin again: this often in a row. */
const RELOADS_MAX = 6;
const RELOAD_DELAY_MS = 1000;

/** Plays `options.url` with the browser's own HLS. Which quality plays is the browser's secret. */
export function createNativeEngine(options: EngineOptions): Engine {
  const { media, url, startSeconds, onChange, onFailure } = options;
  const controller = new AbortController();
  const { signal } = controller;
  /** Where to go once there is metadata, and how: a reload forgets it all. */
  let resumed = { seconds: startSeconds, rate: media.playbackRate, play: false };
  /** A reload forgets this, too. */
  let { sound } = options;
  let isReady = false;
  let reloads = 0;
  const onLoaded = () => {
    isReady = true;
    const { seconds, rate, play } = resumed;
    if (seconds > 0) media.currentTime = seconds;
    media.playbackRate = rate;
    if (play) media.play().catch(() => undefined);
    if (sound !== undefined) selectNativeSound(media, nearestSound(nativeSounds(media), sound)?.id);
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
  for (const type of ['addtrack', 'change']) {
    audioTracks(media)?.addEventListener(type, onChange, { signal });
  }
  // Capturing, to be asked before everyone else who listens.
  media.addEventListener('error', onError, { signal, capture: true });
  media.src = url;
  return {
    name: 'native',
    qualities: () => [],
    playing: () => undefined,
    select: () => undefined,
    sounds: () => nativeSounds(media),
    playingSound: () => nativeSounds(media).find(({ track }) => track.enabled),
    selectSound: (id) => {
      const chosen = nativeSounds(media).find((each) => each.id === id);
      if (chosen !== undefined) sound = { ...chosen, isSurround: false };
      return selectNativeSound(media, id);
    },
    captions: () =>
      toCaptions(
        captionTracks(media).map((track, index) => ({
          id: String(index),
          label: track.label,
          language: track.language,
          isDefault: track.mode === 'showing',
          // Those the browser keeps to itself, and shows when they are needed.
          isForced: false,
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
