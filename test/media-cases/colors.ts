/** Colours as numbers, by the formulas of the standards: what the engine's are compared with. */

/** Red, green and blue: signals from 0 to 1, or light. */
export type Rgb = readonly [number, number, number];
/** Code values of the given depth. */
export type Yuv = readonly [number, number, number];

/** Luma weights of red and blue. */
const WEIGHTS = {
  bt601: [0.299, 0.114],
  bt709: [0.2126, 0.0722],
  bt2020: [0.2627, 0.0593],
} as const;

export type Matrix = keyof typeof WEIGHTS;

/** ITU-T H.273 8.3, limited range. */
export function toYuv(rgb: Rgb, matrix: Matrix, bits = 8): Yuv {
  const [red, blue] = WEIGHTS[matrix];
  const luma = red * rgb[0] + (1 - red - blue) * rgb[1] + blue * rgb[2];
  const unit = 2 ** (bits - 8);
  return [
    Math.round(unit * (16 + 219 * luma)),
    Math.round(unit * (128 + (112 * (rgb[2] - luma)) / (1 - blue))),
    Math.round(unit * (128 + (112 * (rgb[0] - luma)) / (1 - red))),
  ];
}

/** The inverse of {@link toYuv} for 8 bits. */
export function toRgb([y, u, v]: Yuv, matrix: Matrix): Rgb {
  const [red, blue] = WEIGHTS[matrix];
  const luma = (y - 16) / 219;
  const r = luma + ((v - 128) / 112) * (1 - red);
  const b = luma + ((u - 128) / 112) * (1 - blue);
  return [r, (luma - red * r - blue * b) / (1 - red - blue), b];
}

/** SMPTE ST 2084: the signal for light of 0 to 10,000 cd/m2. */
export function pqSignal(nits: number): number {
  const power = (nits / 10_000) ** 0.1593017578125;
  return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375;
}

/** By bisection, so that no second formula has to be right. */
function pqLight(signal: number): number {
  let [low, high] = [0, 10_000];
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (pqSignal(middle) < signal) low = middle;
    else high = middle;
  }
  return low;
}

/** ARIB STD-B67: the signal for scene light from 0 to 1. */
export function hlgSignal(scene: number): number {
  return scene <= 1 / 12 ? Math.sqrt(3 * scene) : 0.17883277 * Math.log(12 * scene - 0.28466892) + 0.55991073;
}

/** Scene light that a display of 1000 cd/m2 shows as `nits` (BT.2100: OOTF with gamma 1.2). */
export function sceneOf(nits: Rgb): Rgb {
  const luminance = dot([0.2627, 0.678, 0.0593], nits) / 1000;
  const factor = luminance <= 0 ? 0 : luminance ** (1 / 1.2 - 1) / 1000;
  return nits.map((value) => value * factor) as unknown as Rgb;
}

/**
 * What BT.2020 light in cd/m2 is to look like in BT.709, as signals: the EETF of ITU-R BT.2390 from 1000 to 203 cd/m2
 * on the brightest component, BT.2020 to BT.709, less saturation where there is no such colour, gamma 2.4.
 */
export function toneMapped(nits: Rgb): Rgb {
  const top = Math.max(...nits);
  const ratio = top === 0 ? 0 : eetf(Math.min(top, 1000)) / top / 203;
  return inGamut(nits.map((value) => value * ratio) as unknown as Rgb);
}

/** Linear light of BT.2020, 1 for white, to signals of BT.709. */
export function inGamut(light: Rgb): Rgb {
  const converted = [
    dot([1.6605, -0.5876, -0.0728], light),
    dot([-0.1246, 1.1329, -0.0083], light),
    dot([-0.0182, -0.1006, 1.1187], light),
  ];
  const grey = dot([0.2126, 0.7152, 0.0722], converted);
  // The largest share of the saturation with which nothing lies outside, to a thousandth.
  let share = 1;
  const mixed = (): number[] => converted.map((value) => grey + share * (value - grey));
  while (share > 0 && mixed().some((value) => value < -1e-6 || value > 1 + 1e-6)) share -= 0.001;
  return mixed().map((value) => Math.min(1, Math.max(0, value)) ** (1 / 2.4)) as unknown as Rgb;
}

function eetf(nits: number): number {
  const [peak, white] = [pqSignal(1000), pqSignal(203)];
  const [signal, limit] = [pqSignal(nits) / peak, white / peak];
  const start = 1.5 * limit - 0.5;
  if (signal <= start) return nits;
  const t = (signal - start) / (1 - start);
  const hermite =
    (1 + 2 * t) * (1 - t) ** 2 * start + t * (1 - t) ** 2 * (1 - start) + t ** 2 * (3 - 2 * t) * limit;
  return pqLight(hermite * peak);
}

function dot(weights: readonly number[], values: readonly number[]): number {
  return weights.reduce((sum, weight, index) => sum + weight * values[index]!, 0);
}
