import type { SluicePlayer } from '../../player/element.ts';
import type { HTMLAttributes } from 'preact';
import { useEffect } from 'preact/hooks';
import { isAudioOnly, onThisOrigin, type Video } from '../api.ts';

declare module 'preact' {
  namespace JSX {
    interface IntrinsicElements {
      'sluice-player': HTMLAttributes<SluicePlayer> &
        Record<`${string}-${string}`, unknown> &
        PlayerAttributes;
    }
  }
}

type PlayerAttributes = {
  audio?: boolean;
  autoplay?: boolean;
  duration?: number | undefined;
  encoded?: boolean;
  engine?: string | undefined;
  format?: string | undefined;
  hotkeys?: 'page';
  muted?: boolean;
  poster?: string | undefined;
  preload?: 'none';
  resume?: string;
  start?: string | undefined;
  storyboard?: string | undefined;
  version?: number | undefined;
};

type PlayerProps = {
  video: Video;
  autoplay?: boolean;
  muted?: boolean;
  isLazy?: boolean;
  isResumed?: boolean;
  start?: string | undefined;
  /** Another one loads the manifests anew. */
  version?: number;
};

const loadElement = () => import('../../player/element.ts');
const loadHls = () => import('../../player/engines/hls.ts');

/** Fetches the code that most videos need, so that it is there by the time one is opened. */
export function warmUp(): void {
  void loadElement();
  void loadHls();
}

/** The player element for a video. Its code is a chunk of its own, so that the library starts without it. */
export function Player({ video, autoplay, muted, isLazy, isResumed, start, version }: PlayerProps) {
  const { playback } = video;
  useEffect(() => {
    void loadElement();
    // At the same time and not one after the other; a lazy player may never need it.
    if (!isLazy && playback.hls !== undefined && ownFormat(video) !== 'dash') void loadHls();
  }, []);
  return (
    <sluice-player
      data-testid="player"
      hotkeys="page"
      src-hls={onThisOrigin(playback.hls)}
      src-dash={onThisOrigin(playback.dash)}
      src-hls-ts={onThisOrigin(playback.hlsTs)}
      poster={onThisOrigin(playback.poster)}
      storyboard={onThisOrigin(playback.storyboard)}
      video-title={video.title}
      duration={video.durationSeconds}
      engine={new URLSearchParams(location.search).get('engine') ?? undefined}
      format={ownFormat(video)}
      start={start}
      version={version}
      {...flags({ audio: isAudioOnly(video), autoplay, muted, encoded: video.status === 'ready' })}
      {...(isLazy ? { preload: 'none' as const } : {})}
      {...(isResumed ? { resume: video.id } : {})}
    />
  );
}

/** The time of the frame on screen, in seconds; undefined where there is no player. */
export function shownSeconds(): number | undefined {
  return document.querySelector<SluicePlayer>('sluice-player')?.media?.currentTime;
}

/** A package is best played as it lies; in other formats it is rewrapped. */
function ownFormat({ source }: Video): 'hls' | 'dash' | undefined {
  const { container } = source;
  return container === 'hls' || container === 'dash' ? container : undefined;
}

/** Boolean attributes: there, or not. */
function flags(values: Record<string, boolean | undefined>): Record<string, true> {
  const on = Object.entries(values).filter(([, value]) => value);
  return Object.fromEntries(on.map(([name]) => [name, true]));
}
