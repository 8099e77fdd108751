/** How coded pixels become the picture that people see: pixel shape, rotation, mirroring. */
import type { SourceVideo } from '../../media/source.ts';
import { type Rational, toNumber } from '../../media/time.ts';

/** Pixel shapes beyond this are damage, not anamorphic video. */
const MAX_ASPECT = 8;

type Display = Pick<SourceVideo, 'displayWidth' | 'displayHeight' | 'rotationDegrees' | 'isMirrored'>;

/**
 * The display size in square pixels: never fewer pixels than coded on either side before rotation, so that an
 * anamorphic picture is widened, not squeezed. `matrix` is FFmpeg's display matrix, nine 32-bit numbers.
 */
export function displayOf(
  codedWidth: number,
  codedHeight: number,
  sampleAspectRatio: Rational,
  matrix: Uint8Array | null,
): Display {
  const aspect = toNumber(sampleAspectRatio);
  const isSane = aspect <= MAX_ASPECT && aspect >= 1 / MAX_ASPECT;
  const width = isSane && aspect > 1 ? Math.round(codedWidth * aspect) : codedWidth;
  const height = isSane && aspect < 1 ? Math.round(codedHeight / aspect) : codedHeight;
  const { rotationDegrees, isMirrored } = orientationOf(matrix);
  const isTurned = rotationDegrees === 90 || rotationDegrees === 270;
  return {
    displayWidth: isTurned ? height : width,
    displayHeight: isTurned ? width : height,
    rotationDegrees,
    isMirrored,
  };
}

/**
 * The matrix maps a point (x, y) to (a x + c y, b x + d y), with a, b in its first row and c, d in its second
 * (ISO/IEC 14496-12 6.2.2). Any angle is taken to the nearest quarter turn.
 */
function orientationOf(matrix: Uint8Array | null): Pick<SourceVideo, 'rotationDegrees' | 'isMirrored'> {
  if (matrix === null || matrix.length < 36) return { rotationDegrees: 0, isMirrored: false };
  const view = new DataView(matrix.buffer, matrix.byteOffset, matrix.byteLength);
  // FFmpeg keeps it in native byte order, which is little-endian on every platform that we run on.
  const [a, b, c, d] = [0, 4, 12, 16].map((offset) => view.getInt32(offset, true)) as [
    number,
    number,
    number,
    number,
  ];
  const isMirrored = a * d - b * c < 0;
  // Undo the mirroring (left to right, before the turn), then read the clockwise angle off the first column.
  const degrees = (Math.atan2(b, a) * 180) / Math.PI + (isMirrored ? 180 : 0);
  const quarter = (((Math.round(degrees / 90) % 4) + 4) % 4) * 90;
  return { rotationDegrees: quarter as SourceVideo['rotationDegrees'], isMirrored };
}
