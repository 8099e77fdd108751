/** How much there is to see in a picture: told from its pixels, without knowing what it shows. */

/** A picture in planes of one byte a sample, as FFmpeg lays them out; chroma at half the size. */
export type Planes = {
  readonly width: number;
  readonly height: number;
  readonly planes: readonly Uint8Array[];
  /** Bytes from one row to the next, by plane. */
  readonly strides: readonly number[];
};

/** Below this a picture is black, faded, blurred, or shows a line of text on nothing. */
export const GOOD_PICTURE = 0.4;

const BINS = 64;
/** Mean difference between neighbours at which a small picture is as sharp as can be told. */
const SHARP_STEP = 10;
const STRONG_COLOR = 24;
/** Mean brightness (full range) between which nothing is too dark or too bright. */
const [DARK, BRIGHT] = [50, 205];

/**
 * From 0, nothing to see, to 1. Many different shades (entropy), edges, and a little for colour; less for what is very
 * dark or very bright as a whole. Meant for pictures of some hundred pixels.
 */
export function judgePicture(picture: Planes): number {
  const { entropy, mean, step } = measureLuma(picture);
  const exposure = Math.min(1, Math.max(0.1, mean / DARK), Math.max(0.1, (255 - mean) / (255 - BRIGHT)));
  const sharpness = Math.min(1, step / SHARP_STEP);
  return exposure * (0.6 * entropy + 0.3 * sharpness + 0.1 * colorfulness(picture));
}

function measureLuma({ width, height, planes: [luma], strides: [stride = 0] }: Planes) {
  const histogram = new Float64Array(BINS);
  let [sum, steps] = [0, 0];
  for (let y = 0; y < height; y++) {
    let left = luma?.[y * stride] ?? 0;
    for (let x = 0; x < width; x++) {
      const value = luma?.[y * stride + x] ?? 0;
      histogram[value >> 2]!++;
      sum += value;
      steps += Math.abs(value - left);
      left = value;
    }
  }
  const count = width * height;
  const bits = histogram.reduce(
    (total, n) => (n === 0 ? total : total - (n / count) * Math.log2(n / count)),
    0,
  );
  return { entropy: bits / Math.log2(BINS), mean: sum / count, step: steps / count };
}

/** 0 to 1 */
function colorfulness({ width, height, planes, strides }: Planes): number {
  let sum = 0;
  const [columns, rows] = [width >> 1, height >> 1];
  for (const plane of [1, 2]) {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++)
        sum += Math.abs((planes[plane]?.[y * (strides[plane] ?? 0) + x] ?? 128) - 128);
    }
  }
  return Math.min(1, sum / (2 * columns * rows) / STRONG_COLOR);
}
