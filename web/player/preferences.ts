/**
 * What the player remembers of a viewer, in this browser only: quality, sound, format, captions, and where each video was
 * left. (The volume is remembered by media-chrome.) Storage may be full or forbidden: then nothing is kept.
 */
import type { Format } from './engines/engine.ts';
import type { SoundWish } from './engines/sounds.ts';

const QUALITY = 'sluice.quality';
const FORMAT = 'sluice.format';
const SOUND = 'sluice.sound';
const CAPTIONS = 'sluice.captions';
const POSITIONS = 'sluice.positions';
const POSITIONS_KEPT = 100;

/** The lines of the chosen quality, or auto. */
export function preferredLines(): number | 'auto' {
  const lines = Number(read(QUALITY));
  return Number.isInteger(lines) && lines > 0 ? lines : 'auto';
}

export function rememberLines(lines: number | 'auto'): void {
  write(QUALITY, String(lines));
}

/** The sound that was chosen last, in whatever video. */
export function preferredSound(): SoundWish | undefined {
  const [language, layout] = (read(SOUND) ?? '').split(' ');
  return layout === undefined ? undefined : { language: language ?? '', isSurround: layout === 'surround' };
}

export function rememberSound({ language, isSurround }: SoundWish): void {
  write(SOUND, `${language} ${isSurround ? 'surround' : 'stereo'}`);
}

export function preferredFormat(): Format | undefined {
  const format = read(FORMAT);
  return format === 'hls' || format === 'dash' ? format : undefined;
}

export function rememberFormat(format: Format): void {
  write(FORMAT, format);
}

/** Captions that a viewer wants, or none. */
export type CaptionWish =
  | 'off'
  | { readonly language: string; readonly label: string; readonly isForced?: boolean };

/** Undefined where the viewer has never chosen. */
export function preferredCaptions(): CaptionWish | undefined {
  try {
    const wish: unknown = JSON.parse(read(CAPTIONS) ?? 'null');
    return wish === 'off' || isCaptionWish(wish) ? wish : undefined;
  } catch {
    return undefined;
  }
}

export function rememberCaptions(wish: CaptionWish): void {
  write(CAPTIONS, JSON.stringify(wish));
}

function isCaptionWish(wish: unknown): wish is Exclude<CaptionWish, 'off'> {
  if (typeof wish !== 'object' || wish === null) return false;
  const { language, label } = wish as Record<string, unknown>;
  return typeof language === 'string' && typeof label === 'string';
}

/** Seconds at which the video was left; 0 where it was not, or was seen to the end. */
export function positionOf(videoKey: string): number {
  return positions().find(([key]) => key === videoKey)?.[1] ?? 0;
}

/** Keeps a position; 0 forgets it. The videos seen last push out the others. */
export function rememberPosition(videoKey: string, seconds: number): void {
  const others = positions().filter(([key]) => key !== videoKey);
  const all: [string, number][] = seconds > 0 ? [[videoKey, Math.floor(seconds)], ...others] : others;
  write(POSITIONS, JSON.stringify(all.slice(0, POSITIONS_KEPT)));
}

function positions(): [string, number][] {
  try {
    const stored: unknown = JSON.parse(read(POSITIONS) ?? '[]');
    return Array.isArray(stored) ? stored.filter(isPosition) : [];
  } catch {
    return [];
  }
}

function isPosition(entry: unknown): entry is [string, number] {
  return Array.isArray(entry) && typeof entry[0] === 'string' && typeof entry[1] === 'number';
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Private browsing or a full disk: playing matters more than remembering.
  }
}
