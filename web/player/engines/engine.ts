/**
 * What plays an address in a media element. One small interface over libraries that differ in everything, so
 * that menus and tests never ask which one is at work.
 */

import type { Sound, SoundWish } from './sounds.ts';

/** `hlsTs` is HLS with MPEG-TS segments. */
import type { CaptionChoice } from './captions.ts';

export type Format = 'hls' | 'dash' | 'hlsTs';

/** `native` is the browser's own HLS. */
export type EngineName = 'hls.js' | 'shaka' | 'native';

/** One rung of the ladder, as the viewer may choose it. */
export type Quality = {
  /** Unique among the qualities of a video. */
  readonly id: string;
  /** `480p`. */
  readonly label: string;
  /** The shorter side in pixels: by this a choice is carried over to another video or format. */
  readonly lines: number;
  readonly bitsPerSecond: number;
};

/** A quality's id, or the player chooses. */
export type QualityChoice = string | 'auto';

/** Why nothing plays, in words for the viewer. */
export type PlaybackFailure = {
  readonly kind: 'network' | 'missing' | 'media' | 'unsupported';
  readonly message: string;
  /** The library's own words: for the console and for tests. */
  readonly detail: string;
};

export type EngineOptions = {
  /** What to play where there is a choice of sounds; without it, the default one. */
  readonly sound?: SoundWish | undefined;
  readonly media: HTMLVideoElement;
  readonly url: string;
  readonly startSeconds: number;
  /** Every segment is stored, so it is safe to begin at the quality the connection allows. */
  readonly isFullyEncoded: boolean;
  /** Qualities became known, or another one is playing. */
  readonly onChange: () => void;
  /** Nothing more will play; the engine has already tried what can be tried. */
  readonly onFailure: (failure: PlaybackFailure) => void;
};

export type Engine = {
  readonly name: EngineName;
  /** From the best down. Empty until known, and for ever where the browser keeps them to itself. */
  qualities(): readonly Quality[];
  /** The one on screen. */
  playing(): Quality | undefined;
  select(choice: QualityChoice): void;
  /** The default one first. Empty until known, and where the browser keeps them to itself. */
  sounds(): readonly Sound[];
  /** The one that is heard. */
  playingSound(): Sound | undefined;
  /** False where the video has to be loaded anew for that, with the sound as its wish. */
  selectSound(id: string): boolean;
  /** In the order of the manifest. Empty until known. */
  captions(): readonly CaptionChoice[];
  /** Shows those of this id, or none. */
  showCaptions(id: string | undefined): void;
  destroy(): Promise<void>;
};

/** How long to wait for a first byte: the server may spend 8 s encoding before it answers, and a queue adds. */
export const FIRST_BYTE_TIMEOUT_MS = 20_000;

/** Buffered ahead. Every segment fetched may cost an encode, so not more than what a stall may eat. */
export const BUFFER_AHEAD_SECONDS = 30;

/** Kept behind, so that a short step back costs nothing. */
export const BUFFER_BEHIND_SECONDS = 60;

/** A pessimistic first guess: the lowest rung is encoded soonest, so the picture appears soonest. */
export const CAUTIOUS_BITS_PER_SECOND = 300_000;

/** A first guess where nothing has to be encoded any more. */
export const HOPEFUL_BITS_PER_SECOND = 4_000_000;

type Rung = { id: string; width: number; height: number; bitsPerSecond: number };

/** Names rungs and sorts them from the best down. Two of the same size are told apart by their bitrate. */
export function toQualities(rungs: readonly Rung[]): Quality[] {
  const named = rungs.map((rung) => ({ ...rung, lines: Math.min(rung.width, rung.height) }));
  const isShared = (lines: number) => named.filter((rung) => rung.lines === lines).length > 1;
  return named
    .map(({ id, lines, bitsPerSecond }) => ({
      id,
      lines,
      bitsPerSecond,
      label: isShared(lines) ? `${lines}p · ${(bitsPerSecond / 1e6).toFixed(1)} Mb/s` : `${lines}p`,
    }))
    .sort((a, b) => b.lines - a.lines || b.bitsPerSecond - a.bitsPerSecond);
}
