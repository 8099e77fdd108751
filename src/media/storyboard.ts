/**
 * The storyboard: small pictures of a whole video at equal distances, many to a sheet, shown while somebody moves along
 * the seek bar. Like the grid it follows from the plan: each sheet can be made by itself, in any order.
 */

export type Storyboard = {
  readonly durationSeconds: number;
  /** Tile k stands for the time from k times this up to the next one. */
  readonly intervalSeconds: number;
  /** Pixels, even. */
  readonly tileWidth: number;
  readonly tileHeight: number;
  readonly tileCount: number;
};

/** A stretch of the video that one tile stands for, in presentation time. */
export type Tile = { readonly startSeconds: number; readonly endSeconds: number };

/** Tiles in a row of a sheet, and in a column. */
export const SHEET_COLUMNS = 5;
const SHEET_ROWS = 5;
const TILES_PER_SHEET = SHEET_COLUMNS * SHEET_ROWS;

/** Pixels on the longer side of a tile: what players have room for above the seek bar. */
const TILE_SIDE = 160;
const SHORTEST_SIDE = 16;
/** More are of no use on a bar that is some hundred pixels long. */
const MAX_TILES = 200;
/** Times that people count in. Beyond these, whole minutes. */
const INTERVALS_SECONDS = [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 40, 60];

/** The storyboard of a video of this duration, whose picture is so large as people see it. */
export function planStoryboard(durationSeconds: number, width: number, height: number): Storyboard {
  const least = durationSeconds / MAX_TILES;
  const intervalSeconds =
    INTERVALS_SECONDS.find((interval) => interval >= least) ?? 60 * Math.ceil(least / 60);
  const scale = TILE_SIDE / Math.max(width, height, 1);
  return {
    durationSeconds,
    intervalSeconds,
    tileWidth: evenSide(width * scale),
    tileHeight: evenSide(height * scale),
    // A rest of some frames belongs to the tile before it.
    tileCount: Math.max(1, Math.ceil(durationSeconds / intervalSeconds - 0.1)),
  };
}

/** How many sheets there are. */
export function sheetCount({ tileCount }: Storyboard): number {
  return Math.ceil(tileCount / TILES_PER_SHEET);
}

/** The tiles of a sheet, row by row; the last one may have fewer. */
export function tilesOfSheet(storyboard: Storyboard, sheet: number): readonly Tile[] {
  const { intervalSeconds, tileCount, durationSeconds } = storyboard;
  const first = sheet * TILES_PER_SHEET;
  const count = Math.max(0, Math.min(TILES_PER_SHEET, tileCount - first));
  return Array.from({ length: count }, (_, offset) => {
    const tile = first + offset;
    const isLast = tile === tileCount - 1;
    return {
      startSeconds: tile * intervalSeconds,
      endSeconds: isLast ? durationSeconds : (tile + 1) * intervalSeconds,
    };
  });
}

/** Where tile `index` of a sheet lies in it, in pixels. */
export function tileOffset({ tileWidth, tileHeight }: Storyboard, index: number): { x: number; y: number } {
  return {
    x: (index % SHEET_COLUMNS) * tileWidth,
    y: Math.floor(index / SHEET_COLUMNS) * tileHeight,
  };
}

function evenSide(side: number): number {
  return Math.max(SHORTEST_SIDE, 2 * Math.round(side / 2));
}
