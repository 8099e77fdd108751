/** The one constant frame rate that a source is put out at (design, section 5). Pure arithmetic on timestamps. */
import { compare, type Rational, rational, toNumber } from '../../media/time.ts';

/** The rates that a variable one is snapped to, ascending. */
const STANDARD_RATES: readonly Rational[] = [
  rational(24_000, 1001),
  rational(24),
  rational(25),
  rational(30_000, 1001),
  rational(30),
  rational(48),
  rational(50),
  rational(60_000, 1001),
  rational(60),
];

/** Above this a constant rate is not kept: no display shows it, and every rung would cost in proportion. */
const MAX_KEPT_RATE = 120;
/** A frame may be off its place by this part of a frame, besides the rounding of the time base. */
const JITTER = 0.05;
/** How far a typical rate may be off a standard one and still mean it: phones that say 30 and record 30.02. */
const SNAP_TOLERANCE = 0.015;
/** Frames further apart than this many usual distances have a gap between them. */
const GAP_FACTOR = 2;

/** The rate that frames are put out at, and whether the source's own is another. */
export type FrameRateChoice = { readonly frameRate: Rational; readonly isVariable: boolean };

/**
 * Chooses from runs of neighbouring frames' timestamps (each ascending, in ticks of `timeBase`) taken from
 * several places of the source, and the rates that the container claims.
 */
export function chooseFrameRate(
  runs: readonly (readonly number[])[],
  timeBase: Rational,
  claimed: readonly Rational[],
): FrameRateChoice {
  const useful = runs.filter((run) => run.length >= 2);
  const typical = typicalRate(useful, timeBase) ?? usable(claimed)[0] ?? rational(25);
  // Standard rates first: a millisecond clock cannot tell 29.97 from 29.9699, and nobody records the latter.
  const candidates = [
    ...usable(claimed).filter(isStandard),
    ...standardsNear(typical),
    ...usable(claimed),
    typical,
  ];
  const constant = candidates.find((rate) => useful.every((run) => isOnGrid(run, timeBase, rate)));
  if (constant !== undefined && toNumber(constant) <= MAX_KEPT_RATE)
    return { frameRate: constant, isVariable: false };
  return { frameRate: snapUp(typical), isVariable: true };
}

/** The standard rate that `rate` nearly is, or else the lowest one above it; the highest for anything beyond. */
function snapUp(rate: Rational): Rational {
  const [nearest] = standardsNear(rate);
  return nearest ?? STANDARD_RATES.find((standard) => compare(standard, rate) >= 0) ?? STANDARD_RATES.at(-1)!;
}

/** The standard rates that `rate` may be taken for, the nearest first. */
function standardsNear(rate: Rational): readonly Rational[] {
  const distance = (standard: Rational): number => Math.abs(toNumber(standard) / toNumber(rate) - 1);
  return STANDARD_RATES.filter((standard) => distance(standard) < SNAP_TOLERANCE).toSorted(
    (a, b) => distance(a) - distance(b),
  );
}

/** One over the usual distance of neighbours: the mean of all that are not gaps, since clocks round. */
function typicalRate(runs: readonly (readonly number[])[], timeBase: Rational): Rational | undefined {
  const distances = runs
    .flatMap((run) => run.slice(1).map((ticks, index) => ticks - run[index]!))
    .filter((distance) => distance > 0)
    .sort((a, b) => a - b);
  const median = distances[distances.length >> 1];
  if (median === undefined) return undefined;
  const usual = distances.filter((distance) => distance <= GAP_FACTOR * median);
  const total = usual.reduce((sum, distance) => sum + distance, 0);
  return rational(timeBase.den * usual.length, total * timeBase.num);
}

/** Whether each frame of the run lies one frame of `rate` after the one before, and none drifts away. */
function isOnGrid(run: readonly number[], timeBase: Rational, rate: Rational): boolean {
  const first = run[0]!;
  const framesPerTick = (toNumber(timeBase) * rate.num) / rate.den;
  // The clock rounds each time stamp by up to half a tick, the first one too.
  const tolerance = framesPerTick * 1.01 + JITTER;
  return run.every((ticks, index) => Math.abs((ticks - first) * framesPerTick - index) <= tolerance);
}

function usable(rates: readonly Rational[]): readonly Rational[] {
  return rates.filter((rate) => rate.num > 0 && rate.den > 0 && toNumber(rate) >= 1);
}

function isStandard(rate: Rational): boolean {
  return STANDARD_RATES.some((standard) => compare(standard, rate) === 0);
}
