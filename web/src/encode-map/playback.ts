/** What the player on this page shows, for the map below it. */
import type { SluicePlayer } from '../../player/element.ts';
import type { Track } from '../api.ts';

/** Where the player is, and which tracks are to be seen and heard there. */
export type OnScreen = {
  readonly seconds: number;
  readonly trackIds: readonly string[];
  readonly isPlaying: boolean;
};

const EVENTS = ['timeupdate', 'seeked', 'playing', 'loadedmetadata'];

/** Calls `tell` whenever that changes, until `signal` fires. */
export function watchPlayer(
  tracks: readonly Track[],
  tell: (onScreen: OnScreen) => void,
  signal: AbortSignal,
): void {
  const onEvent = ({ target }: Event) => {
    if (!(target instanceof HTMLElement) || target.localName !== 'sluice-player') return;
    const player = target as SluicePlayer;
    const { media } = player;
    const video = pictureTrack(tracks, player);
    const audio = tracks.find(({ kind }) => kind === 'audio');
    tell({
      seconds: media.currentTime,
      trackIds: [video, audio].flatMap((track) => (track === undefined ? [] : [track.id])),
      isPlaying: !media.paused && !media.seeking,
    });
  };
  // In the capturing phase, since these do not bubble: whichever player is on the page is heard.
  for (const type of EVENTS) document.addEventListener(type, onEvent, { capture: true, signal });
}

/**
 * The track on screen. The picture's size tells, which the browser knows for every player, its own included; the
 * player's word is only needed where two rungs are of one size.
 */
function pictureTrack(tracks: readonly Track[], { media, debug }: SluicePlayer): Track | undefined {
  const wanted = debug.playing?.bitsPerSecond ?? 0;
  const distance = ({ peakBitsPerSecond = 0 }: Track) => Math.abs(peakBitsPerSecond - wanted);
  return tracks
    .filter(({ width, height }) => width === media.videoWidth && height === media.videoHeight)
    .sort((a, b) => distance(a) - distance(b))[0];
}

/** Takes the player on this page to a time. */
export function seekPlayer(seconds: number): void {
  const player = document.querySelector<SluicePlayer>('sluice-player');
  if (player?.media !== undefined) player.media.currentTime = seconds;
}
