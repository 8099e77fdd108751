import type { SourceColor, SourceVideo } from '../../media/source.ts';

/** From this height on, untagged video is taken for high definition. */
const HD_HEIGHT = 720;

/**
 * The colours that a video is put out in. Untagged sources get a tag, by the size of the source: players guess
 * by the size of the rung, and colours would shift with every change of quality.
 */
export function outputColor(video: SourceVideo): SourceColor {
  const guess = Math.min(video.displayWidth, video.displayHeight) >= HD_HEIGHT ? 'bt709' : 'smpte170m';
  const known = (name: string): string => (name === 'unknown' ? guess : name);
  const { primaries, transfer, matrix } = video.color;
  return { range: 'limited', primaries: known(primaries), transfer: known(transfer), matrix: known(matrix) };
}
