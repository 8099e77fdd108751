/**
 * From high dynamic range or wide colours to those of BT.709: a table of output colours for a grid of input colours,
 * which FFmpeg interpolates in. Why not FFmpeg's own filters: docs/decisions/097.
 */
import type { SourceColor } from '../../media/source.ts';

/** What has to be converted: BT.2100 PQ, BT.2100 HLG, or BT.2020 of standard range. */
export type Conversion = 'pq' | 'hlg' | 'wide';

type Rgb = readonly [red: number, green: number, blue: number];

/** Of one side of the table; FFmpeg's `haldclut` wants the square of a whole number. */
const STEPS = 36;
/** The side of the square picture that holds the table. */
export const TABLE_SIDE = 216;

/** Light of HDR reference white (ITU-R BT.2408 2.1), which becomes the white of BT.709, in cd/m2. */
const REFERENCE_WHITE = 203;
/** What most is mastered for, and the nominal peak of HLG. What is brighter is white. */
const PEAK = 1000;
/** The display that BT.709 is seen on (ITU-R BT.1886). */
const DISPLAY_GAMMA = 2.4;

/** How colours must be converted before they are put out; undefined for those that stay as they are. */
export function conversionOf({ transfer, primaries }: SourceColor): Conversion | undefined {
  if (transfer === 'smpte2084') return 'pq';
  if (transfer === 'arib-std-b67') return 'hlg';
  return primaries === 'bt2020' ? 'wide' : undefined;
}

/** Planes of green, blue and red (FFmpeg's order), 0 to 1: red varies fastest, then green, then blue. */
export function conversionTable(conversion: Conversion): readonly [Float32Array, Float32Array, Float32Array] {
  const size = STEPS ** 3;
  const [green, blue, red] = [new Float32Array(size), new Float32Array(size), new Float32Array(size)];
  const steps = Array.from({ length: STEPS }, (_, step) => step / (STEPS - 1));
  for (let index = 0; index < size; index++) {
    const r = steps[index % STEPS]!;
    const g = steps[Math.floor(index / STEPS) % STEPS]!;
    const b = steps[Math.floor(index / STEPS ** 2)]!;
    [red[index], green[index], blue[index]] = convert(conversion, [r, g, b]);
  }
  return [green, blue, red];
}

/** One colour, all values from 0 to 1. */
function convert(conversion: Conversion, signal: Rgb): Rgb {
  const light = conversion === 'wide' ? map(signal, (v) => v ** DISPLAY_GAMMA) : mapped(conversion, signal);
  return map(insideBt709(bt2020ToBt709(light)), (v) => v ** (1 / DISPLAY_GAMMA));
}

/** Light of the display, 1 for white, after tone mapping by the brightest component: hues stay. */
function mapped(conversion: 'pq' | 'hlg', signal: Rgb): Rgb {
  const nits = conversion === 'pq' ? map(signal, pqToNits) : hlgToNits(signal);
  const brightest = Math.max(...nits);
  if (brightest <= 0) return [0, 0, 0];
  const factor = toneMapped(brightest) / brightest / REFERENCE_WHITE;
  return map(nits, (v) => v * factor);
}

/** ITU-R BT.2390 5.4.1: as it is up to a knee, from there a Hermite spline up to the white of the display. */
function toneMapped(nits: number): number {
  const peak = nitsToPq(PEAK);
  const white = nitsToPq(REFERENCE_WHITE) / peak;
  const knee = 1.5 * white - 0.5;
  const signal = Math.min(1, nitsToPq(nits) / peak);
  if (signal < knee) return nits;
  const t = (signal - knee) / (1 - knee);
  const spline =
    (2 * t ** 3 - 3 * t ** 2 + 1) * knee +
    (t ** 3 - 2 * t ** 2 + t) * (1 - knee) +
    (3 * t ** 2 - 2 * t ** 3) * white;
  return pqToNits(spline * peak);
}

/** ITU-R BT.2100 table 4: the EOTF of PQ and its inverse. */
const M1 = 2610 / 16_384;
const M2 = (2523 / 4096) * 128;
const C1 = 3424 / 4096;
const C2 = (2413 / 4096) * 32;
const C3 = (2392 / 4096) * 32;

function pqToNits(signal: number): number {
  const power = signal ** (1 / M2);
  return 10_000 * (Math.max(power - C1, 0) / (C2 - C3 * power)) ** (1 / M1);
}

function nitsToPq(nits: number): number {
  const power = (nits / 10_000) ** M1;
  return ((C1 + C2 * power) / (1 + C3 * power)) ** M2;
}

/** ITU-R BT.2100 table 5: inverse OETF, then the OOTF of a display of 1000 cd/m2 (gamma 1.2). */
function hlgToNits(signal: Rgb): Rgb {
  const a = 0.178_832_77;
  const b = 1 - 4 * a;
  const c = 0.5 - a * Math.log(4 * a);
  const scene = map(signal, (v) => (v <= 0.5 ? v ** 2 / 3 : (Math.exp((v - c) / a) + b) / 12));
  const luminance = 0.2627 * scene[0] + 0.678 * scene[1] + 0.0593 * scene[2];
  return map(scene, (v) => PEAK * luminance ** 0.2 * v);
}

/** ITU-R BT.2087 annex 2, the other way: linear light. */
function bt2020ToBt709([r, g, b]: Rgb): Rgb {
  return [
    1.660491 * r - 0.587641 * g - 0.07285 * b,
    -0.12455 * r + 1.1329 * g - 0.008349 * b,
    -0.018151 * r - 0.100579 * g + 1.11873 * b,
  ];
}

/** Colours that BT.709 does not have lose saturation until it has them; their luminance stays. */
function insideBt709(light: Rgb): Rgb {
  const luminance = Math.min(1, Math.max(0, 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2]));
  let saturation = 1;
  for (const value of light) {
    if (value > 1) saturation = Math.min(saturation, (1 - luminance) / (value - luminance));
    if (value < 0) saturation = Math.min(saturation, luminance / (luminance - value));
  }
  return map(light, (v) => Math.min(1, Math.max(0, luminance + (v - luminance) * saturation)));
}

function map([r, g, b]: Rgb, change: (value: number) => number): Rgb {
  return [change(r), change(g), change(b)];
}
