/** The storyboard as WebVTT: for each time, which part of which picture to show (Media Fragments URI 4.2.2). */
import { writeWebvtt } from '../containers/webvtt/write-webvtt.ts';
import { sheetCount, type Storyboard, tileOffset, tilesOfSheet } from '../media/storyboard.ts';

/** One cue for each tile. `sheetUri` is where a sheet is, relative to the text; safe in a URL. */
export function storyboardVtt(storyboard: Storyboard, sheetUri: (sheet: number) => string): string {
  const { tileWidth, tileHeight } = storyboard;
  const sheets = Array.from({ length: sheetCount(storyboard) }, (_, sheet) => sheet);
  return writeWebvtt(
    sheets.flatMap((sheet) =>
      tilesOfSheet(storyboard, sheet).map(({ startSeconds, endSeconds }, index) => {
        const { x, y } = tileOffset(storyboard, index);
        return {
          startMs: Math.round(startSeconds * 1000),
          endMs: Math.round(endSeconds * 1000),
          settings: '',
          text: `${sheetUri(sheet)}#xywh=${x},${y},${tileWidth},${tileHeight}`,
        };
      }),
    ),
  );
}
