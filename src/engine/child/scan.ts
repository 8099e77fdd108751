/** Whether a video that says that it is interlaced really is: much of it is film or from a computer. */
import type { Frame } from 'node-av/lib';
import type { SourceVideo } from '../../media/source.ts';
import { decodeFrom } from './decode.ts';
import type { OpenSource } from './source.ts';

/** Places that are looked at, as parts of the duration, and frames in each. */
const PARTS = [0.1, 0.35, 0.6, 0.85];
const FRAMES = 12;
/** So many frames must have moved without a comb before the mark is not believed. */
const ENOUGH_MOVED = 12;

/** A line differs by this much from both of its neighbours, in the same direction, and those are alike. */
const COMB_STEP = 12;
const COMB_LIKENESS = 6;
/** Parts of the pixels: of a frame that shows a comb, and of one that has changed since the last. */
const COMBED = 0.004;
const MOVED = 0.01;
const MOVED_STEP = 12;
/** One of so many columns is looked at. */
const COLUMN_STEP = 3;

/**
 * True as soon as two frames show a comb where things move, and where nothing moves: a wrong yes costs encoding twice
 * the frames, a wrong no shows combs.
 */
export async function isReallyInterlaced(source: OpenSource, video: SourceVideo): Promise<boolean> {
  let [moved, combed] = [0, 0];
  for (const part of PARTS) {
    const fromTicks = video.startTicks + Math.floor((video.endTicks - video.startTicks) * part);
    let [count, previous] = [0, undefined as Uint8Array | undefined];
    for await (const frame of decodeFrom(source, { span: video, fromTicks })) {
      const luma = lumaOf(frame);
      if (luma === undefined) return true;
      const rowBytes = frame.linesize[0]!;
      if (previous?.length === luma.length && partMoved(luma, previous, frame, rowBytes) > MOVED) {
        if (partCombed(luma, frame, rowBytes) > COMBED) combed++;
        else moved++;
      }
      if (combed >= 2) return true;
      if (++count >= FRAMES) break;
      previous = luma;
    }
  }
  return combed > 0 || moved < ENOUGH_MOVED;
}

/** A copy, 8 bits a pixel; undefined for what has more. */
function lumaOf(frame: Frame): Uint8Array | undefined {
  const [luma] = frame.data ?? [];
  const [rowBytes = 0] = frame.linesize;
  const isEightBit = rowBytes >= frame.width && rowBytes < 2 * frame.width;
  return luma === undefined || !isEightBit
    ? undefined
    : Uint8Array.from(luma.subarray(0, rowBytes * frame.height));
}

function partMoved(
  luma: Uint8Array,
  previous: Uint8Array,
  { width, height }: Frame,
  rowBytes: number,
): number {
  let [moved, count] = [0, 0];
  for (let y = 0; y < height; y += 4) {
    for (let at = y * rowBytes; at < y * rowBytes + width; at += COLUMN_STEP, count++) {
      if (Math.abs(luma[at]! - previous[at]!) > MOVED_STEP) moved++;
    }
  }
  return moved / Math.max(1, count);
}

function partCombed(luma: Uint8Array, { width, height }: Frame, rowBytes: number): number {
  let [combed, count] = [0, 0];
  for (let y = 1; y + 1 < height; y++) {
    for (let at = y * rowBytes; at < y * rowBytes + width; at += COLUMN_STEP, count++) {
      const [above, below] = [luma[at - rowBytes]!, luma[at + rowBytes]!];
      const [up, down] = [luma[at]! - above, luma[at]! - below];
      const isComb = up * down > 0 && Math.min(Math.abs(up), Math.abs(down)) > COMB_STEP;
      if (isComb && Math.abs(above - below) < COMB_LIKENESS) combed++;
    }
  }
  return combed / Math.max(1, count);
}
