/**
 * Exact time. Seconds as floating point drift (24000/1001 is not a binary fraction), so durations and
 * positions are integers counted in a timescale, and rates are rationals. Floating seconds appear only where
 * a person or a manifest attribute wants them.
 */

/** A fraction in lowest terms with a positive denominator. A frame rate of 30000/1001, a time base of 1/90000. */
export type Rational = { readonly num: number; readonly den: number };

/** The reduced fraction `num/den`. Throws a RangeError unless both are safe integers and `den` is not 0. */
export function rational(num: number, den = 1): Rational {
  if (!Number.isSafeInteger(num) || !Number.isSafeInteger(den) || den === 0) {
    throw new RangeError(`not a fraction of safe integers: ${num}/${den}`);
  }
  const sign = den < 0 ? -1 : 1;
  const divisor = greatestCommonDivisor(Math.abs(num), Math.abs(den)) || 1;
  return { num: (sign * num) / divisor, den: (sign * den) / divisor };
}

/** `a` as a floating point number. */
export function toNumber(a: Rational): number {
  return a.num / a.den;
}

/** `a + b`, reduced. Throws a RangeError where the result needs more than safe integers, as do all of these. */
export function add(a: Rational, b: Rational): Rational {
  return reduce(BigInt(a.num) * BigInt(b.den) + BigInt(b.num) * BigInt(a.den), BigInt(a.den) * BigInt(b.den));
}

/** `a - b`, reduced. */
export function subtract(a: Rational, b: Rational): Rational {
  return add(a, { num: -b.num, den: b.den });
}

/** `a x b`, reduced. */
export function multiply(a: Rational, b: Rational): Rational {
  return reduce(BigInt(a.num) * BigInt(b.num), BigInt(a.den) * BigInt(b.den));
}

/** The nearest integer, halves away from zero. */
export function roundRational(a: Rational): number {
  return Number(divideRounding(BigInt(a.num), BigInt(a.den)));
}

/** Negative, zero or positive as `a` is below, at or above `b`; exact for any safe integers. */
export function compare(a: Rational, b: Rational): number {
  const difference = BigInt(a.num) * BigInt(b.den) - BigInt(b.num) * BigInt(a.den);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/**
 * `ticks x from / to`, rounded to the nearest integer (halves away from zero), computed exactly.
 * `from` and `to` are time bases in seconds a tick, so `rescale(48000, {1,48000}, {1,90000})` is 90000.
 */
export function rescale(ticks: number, from: Rational, to: Rational): number {
  const num = BigInt(ticks) * BigInt(from.num) * BigInt(to.den);
  const den = BigInt(from.den) * BigInt(to.num);
  return Number(divideRounding(num, den));
}

/** `ticks` of a clock of `timescale` ticks a second, as floating seconds: for manifests and people only. */
export function ticksToSeconds(ticks: number, timescale: number): number {
  return ticks / timescale;
}

function reduce(num: bigint, den: bigint): Rational {
  let [a, b] = [num < 0n ? -num : num, den];
  while (b !== 0n) [a, b] = [b, a % b];
  const divisor = a === 0n ? 1n : a;
  return rational(Number(num / divisor), Number(den / divisor));
}

function divideRounding(num: bigint, den: bigint): bigint {
  const negative = num < 0n !== den < 0n;
  const n = num < 0n ? -num : num;
  const d = den < 0n ? -den : den;
  const quotient = (2n * n + d) / (2n * d);
  return negative ? -quotient : quotient;
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
