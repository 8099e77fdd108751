import type { TrackSegments } from './segments.ts';

/** In CSS pixels. The stylesheet has the same numbers for the names beside the rows. */
export const ROW_HEIGHT = 16;
export const ROW_PITCH = 22;

/** A segment narrower than this has no edge of its own: then a column of pixels is what many of them have in common. */
const LEAST_CELL = 3;

export type Colours = Readonly<Record<'waiting' | 'encoding' | 'stored' | 'seen', string>>;

/** Draws every track as one row. */
export function paint(
  canvas: HTMLCanvasElement,
  rows: readonly TrackSegments[],
  durationSeconds: number,
  colours: Colours,
): void {
  const scale = devicePixelRatio;
  const width = Math.round(canvas.clientWidth * scale);
  const height = Math.round((rows.length * ROW_PITCH - (ROW_PITCH - ROW_HEIGHT)) * scale);
  // Setting either empties the canvas.
  canvas.width = width;
  canvas.height = Math.max(1, height);
  const context = canvas.getContext('2d');
  if (context === null) return;
  rows.forEach((track, row) => {
    const cell = (width * track.segmentSeconds) / durationSeconds;
    const area = {
      y: Math.round(row * ROW_PITCH * scale),
      height: Math.round(ROW_HEIGHT * scale),
      width,
      cell,
    };
    if (cell >= LEAST_CELL * scale) paintCells(context, track, area, colours, scale);
    else paintColumns(context, track, area, colours);
  });
}

type Area = { readonly y: number; readonly width: number; readonly height: number; readonly cell: number };

function paintCells(
  context: CanvasRenderingContext2D,
  track: TrackSegments,
  { y, width, height, cell }: Area,
  colours: Colours,
  scale: number,
): void {
  // A hairline between two, unless it would be more than a quarter of them.
  const gap = cell >= 4 * scale ? Math.round(scale) : 0;
  track.states.forEach((_, index) => {
    const left = Math.round(index * cell);
    const right = Math.min(width, Math.round((index + 1) * cell));
    context.fillStyle = colours[lookOf(track, index)];
    context.fillRect(left, y, Math.max(1, right - left - gap), height);
  });
}

function paintColumns(
  context: CanvasRenderingContext2D,
  track: TrackSegments,
  { y, width, height, cell }: Area,
  colours: Colours,
): void {
  const last = track.states.length - 1;
  context.fillStyle = colours.waiting;
  context.fillRect(0, y, width, height);
  for (let x = 0; x < width; x++) {
    const from = Math.min(last, Math.floor(x / cell));
    const to = Math.min(last, Math.max(from, Math.ceil((x + 1) / cell) - 1));
    // Layer over layer, each as strong as its share; what happens now is never lost among the rest.
    for (const look of ['stored', 'seen', 'encoding'] as const) {
      const share = shareOf(track, from, to, look);
      if (share === 0) continue;
      context.globalAlpha = look === 'stored' ? share : 1;
      context.fillStyle = colours[look];
      context.fillRect(x, y, 1, height);
    }
    context.globalAlpha = 1;
  }
}

function shareOf(track: TrackSegments, from: number, to: number, look: keyof Colours): number {
  let count = 0;
  for (let index = from; index <= to; index++) if (lookOf(track, index) === look) count++;
  return count / (to - from + 1);
}

function lookOf({ states, seen }: TrackSegments, index: number): keyof Colours {
  return seen[index] ? 'seen' : (states[index] ?? 'waiting');
}
