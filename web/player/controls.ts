/** What keys do, with a word on screen about it. */
import type MediaController from 'media-chrome/dist/media-controller.js';
import type { KeyTarget } from './keyboard.ts';
import type { Overlays } from './overlays.ts';

const RATE_MIN = 0.25;
const RATE_MAX = 2;

/** Everything but playing and pausing, which may have to load first, and captions: these belong to the element. */
export function createControls(
  media: HTMLVideoElement,
  controller: MediaController,
  overlays: Overlays,
): Omit<KeyTarget, 'togglePlay' | 'toggleCaptions'> {
  const seek = (seconds: number) => {
    if (!Number.isFinite(media.duration)) return;
    media.currentTime = Math.min(Math.max(0, seconds), media.duration);
  };
  const showVolume = () => {
    overlays.toast(
      media.muted || media.volume === 0 ? 'Muted' : `Volume ${Math.round(media.volume * 100)} %`,
    );
  };

  return {
    seekBy(seconds) {
      seek(media.currentTime + seconds);
      overlays.toast(`${seconds < 0 ? '−' : '+'}${Math.abs(seconds)} s`);
    },
    seekToFraction(fraction) {
      seek(media.duration * fraction);
      overlays.toast(`${fraction * 100} %`);
    },
    changeVolume(by) {
      // Rounded, or ten steps down and ten up end beside where they began.
      const volume = Math.round(Math.min(1, Math.max(0, media.volume + by)) * 100) / 100;
      send(controller, 'mediavolumerequest', volume);
      media.muted = volume === 0;
      showVolume();
    },
    toggleMute() {
      media.muted = !media.muted;
      showVolume();
    },
    changeRate(by) {
      media.playbackRate = Math.min(RATE_MAX, Math.max(RATE_MIN, media.playbackRate + by));
      overlays.toast(`${media.playbackRate}×`);
    },
    toggleFullscreen: overlays.toggleFullscreen,
    toggleHelp: overlays.toggleHelp,
  };
}

/** Through media-chrome, so that it remembers the volume. */
function send(controller: MediaController, type: string, detail: number): void {
  controller.dispatchEvent(new CustomEvent(type, { detail }));
}
