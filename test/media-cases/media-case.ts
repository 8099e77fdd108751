import type { ErrorCode } from '../../src/errors.ts';
import type { Rational } from '../../src/media/time.ts';
import type { Kit } from './kit.ts';
import type { Played } from './play.ts';

/** A kind of file that people have, and what must come of it. Each has its row in docs/media-cases.md. */
export type MediaCase = {
  /** As in the table. */
  readonly name: string;
  /** Of the file: cases are told by their bytes, but FFmpeg chooses its muxer by it. */
  readonly extension: string;
  readonly make: (kit: Kit, path: string) => Promise<void>;
  readonly expected: Expected | Refused;
  /** What else must be true. */
  readonly check?: (played: Played) => void | Promise<void>;
};

/** It plays. What is left out is as in the kit: 6 s of 320x180 at 25 frames a second, all of them, and every beep. */
export type Expected = {
  /** Of the picture: exactly, or at least and at most. */
  readonly seconds?: number | readonly [least: number, most: number];
  /** Display size of the best rung; `none` for sound alone. */
  readonly size?: readonly [width: number, height: number] | 'none';
  readonly frameRate?: Rational;
  /** The number that frame `index` shows; undefined where it is not judged. */
  readonly shows?: ((index: number) => number | undefined) | 'anything';
  /** Of the sound, to within a frame. */
  readonly soundSeconds?: number | readonly [least: number, most: number];
  /** Where beeps begin, in seconds; `some` for those that are left, each at a second; `none` for no sound at all. */
  readonly beeps?: readonly number[] | 'some' | 'none';
};

/** It is refused, with a message for its owner. */
export type Refused = { readonly code: ErrorCode; readonly message: RegExp };

export function isRefused(expected: Expected | Refused): expected is Refused {
  return 'code' in expected;
}
