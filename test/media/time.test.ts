import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../fast-check.ts';
import {
  add,
  compare,
  multiply,
  type Rational,
  rational,
  rescale,
  roundRational,
  subtract,
  toNumber,
} from '../../src/media/time.ts';

/** Small enough that any two can be multiplied and added within safe integers. */
const fractions = fc
  .tuple(fc.integer({ min: -60_000, max: 60_000 }), fc.integer({ min: 1, max: 60_000 }))
  .map(([num, den]) => rational(num, den));
const timeBases = fc.constantFrom<Rational>(
  { num: 1, den: 1000 },
  { num: 1, den: 48_000 },
  { num: 1, den: 90_000 },
  { num: 1001, den: 30_000 },
  { num: 1, den: 14_112_000 },
);

test('a fraction is in lowest terms, its denominator positive', () => {
  assert.deepEqual(rational(60, -4), { num: -15, den: 1 });
  assert.deepEqual(rational(0, 7), { num: 0, den: 1 });
  fc.assert(
    fc.property(fractions, fc.integer({ min: 1, max: 1000 }), ({ num, den }, factor) => {
      assert.deepEqual(rational(num * factor, den * factor), { num, den });
      assert.deepEqual(rational(-num * factor, -den * factor), { num, den });
    }),
  );
});

test('what is not a fraction of safe integers is refused, as is a result that needs more', () => {
  for (const [num, den] of [
    [1, 0],
    [0.5, 1],
    [Number.NaN, 1],
    [2 ** 53, 1],
  ] as const) {
    assert.throws(() => rational(num, den), RangeError);
  }
  const tiny = rational(1, 2 ** 52);
  assert.throws(() => multiply(tiny, tiny), RangeError);
});

test('sums and products are exact, whatever floating point would make of them', () => {
  assert.deepEqual(add(rational(1, 10), rational(2, 10)), rational(3, 10));
  assert.deepEqual(multiply(rational(30_000, 1001), rational(1001, 30_000)), rational(1));
  fc.assert(
    fc.property(fractions, fractions, (a, b) => {
      assert.deepEqual(add(a, b), add(b, a));
      assert.deepEqual(multiply(a, b), multiply(b, a));
      assert.deepEqual(subtract(add(a, b), b), a);
    }),
  );
});

test('comparing agrees with subtracting', () => {
  fc.assert(
    fc.property(fractions, fractions, (a, b) => {
      assert.equal(compare(a, b), Math.sign(subtract(a, b).num));
      assert.equal(compare(a, a), 0);
    }),
  );
});

test('rounding goes to the nearest integer, halves away from zero', () => {
  assert.deepEqual(
    [rational(5, 2), rational(-5, 2), rational(7, 3), rational(-7, 3)].map(roundRational),
    [3, -3, 2, -2],
  );
  fc.assert(
    fc.property(fractions, (a) => {
      const distance = subtract(a, rational(roundRational(a)));
      assert.ok(Math.abs(toNumber(distance)) <= 0.5);
    }),
  );
});

test('ticks of one clock are the nearest ticks of another, however long the video', () => {
  assert.equal(rescale(48_000, { num: 1, den: 48_000 }, { num: 1, den: 90_000 }), 90_000);
  fc.assert(
    // Ten days, counted by the finest clock.
    fc.property(fc.integer({ min: 0, max: 864_000 * 14_112 }), timeBases, timeBases, (ticks, from, to) => {
      const there = rescale(ticks, from, to);
      const wantedTimesDen = BigInt(ticks) * BigInt(from.num) * BigInt(to.den);
      const den = BigInt(from.den) * BigInt(to.num);
      const error = wantedTimesDen - BigInt(there) * den;
      assert.ok(2n * (error < 0n ? -error : error) <= den);
      // A finer clock loses nothing.
      if (compare(to, from) <= 0) assert.equal(rescale(there, to, from), ticks);
    }),
  );
});
