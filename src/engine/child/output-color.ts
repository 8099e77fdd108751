import type { SourceColor, SourceVideo } from '../../media/source.ts';
import { isRgb } from './color.ts';
import { conversionOf } from './tone-map.ts';

/** From this height on, untagged video is taken for high definition. */
const HD_HEIGHT = 720;

/**
 * The colours that a video is put out in. What is wider or brighter than BT.709 becomes that. Untagged sources get a tag, by the size of the source: players guess
 * by the size of the rung, and colours would shift with every change of quality.
 */
export function outputColor(video: SourceVideo): SourceColor {
  if (conversionOf(video.color) !== undefined || isRgb(video.pixelFormat)) {
    return { range: 'limited', primaries: 'bt709', transfer: 'bt709', matrix: 'bt709' };
  }
  const guess = Math.min(video.displayWidth, video.displayHeight) >= HD_HEIGHT ? 'bt709' : 'smpte170m';
  const known = (name: string): string => (name === 'unknown' ? guess : name);
  const { primaries, transfer, matrix } = video.color;
  return { range: 'limited', primaries: known(primaries), transfer: known(transfer), matrix: known(matrix) };
}
