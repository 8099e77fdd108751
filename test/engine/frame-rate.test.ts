import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chooseFrameRate } from '../../src/engine/child/frame-rate.ts';
import { rational, type Rational, toNumber } from '../../src/media/time.ts';

const MILLISECONDS = rational(1, 1000);
const NTSC_FILM = rational(24_000, 1001);
const NTSC = rational(30_000, 1001);

/** Timestamps of a regular source, as a clock of this time base rounds them. */
function regular(rate: Rational, timeBase: Rational, count = 120, start = 0): number[] {
  return Array.from({ length: count }, (_, index) =>
    Math.round(start + index / toNumber(rate) / toNumber(timeBase)),
  );
}

describe('a constant rate is kept', () => {
  for (const rate of [
    NTSC_FILM,
    rational(24),
    rational(25),
    NTSC,
    rational(30),
    rational(50),
    rational(60_000, 1001),
    rational(60),
    rational(10),
    rational(120),
  ]) {
    test(`${rate.num}/${rate.den} on its own clock`, () => {
      const timeBase = rational(rate.den, rate.num * 512);
      assert.deepEqual(chooseFrameRate([regular(rate, timeBase)], timeBase, [rate]), {
        frameRate: rate,
        isVariable: false,
      });
    });
  }

  for (const rate of [
    NTSC_FILM,
    rational(24),
    rational(25),
    NTSC,
    rational(30),
    rational(60_000, 1001),
    rational(60),
  ]) {
    test(`${rate.num}/${rate.den} on a clock of milliseconds`, () => {
      const runs = [regular(rate, MILLISECONDS), regular(rate, MILLISECONDS, 120, 61_234.4)];
      const claimed = [rational(Math.round(toNumber(rate) * 1000), 1000)];
      assert.deepEqual(chooseFrameRate(runs, MILLISECONDS, claimed), { frameRate: rate, isVariable: false });
    });
  }
});

describe('a variable rate is snapped to the standard one at or above its typical rate', () => {
  test('a phone that wobbles around 30', () => {
    const run = Array.from({ length: 121 }, (_, index) => Math.round(index * 33.31 + (index % 5) * 3));
    assert.deepEqual(chooseFrameRate([run], MILLISECONDS, [rational(3002, 100)]), {
      frameRate: rational(30),
      isVariable: true,
    });
  });

  test('a screen recording with gaps of a second', () => {
    let at = 0;
    const run = Array.from({ length: 100 }, (_, index) => (at += index % 20 === 0 ? 1000 : 16 + (index % 2)));
    const { frameRate, isVariable } = chooseFrameRate([run], MILLISECONDS, [rational(1000), rational(21)]);
    assert.deepEqual([frameRate, isVariable], [rational(60), true]);
  });

  test('a time base of 1000 that is claimed as the rate', () => {
    const run = Array.from({ length: 100 }, (_, index) => index * 40 + (index % 3) * 7);
    assert.deepEqual(chooseFrameRate([run], MILLISECONDS, [rational(1000)]).frameRate, rational(25));
  });

  test('regular at first, and at another rate later', () => {
    const runs = [regular(rational(25), MILLISECONDS), regular(rational(15), MILLISECONDS, 60, 90_000)];
    assert.equal(chooseFrameRate(runs, MILLISECONDS, [rational(25)]).isVariable, true);
  });

  test('faster than any display', () => {
    const rate = rational(240);
    assert.deepEqual(
      chooseFrameRate([regular(rate, rational(1, 90_000))], rational(1, 90_000), [rate]).frameRate,
      rational(60),
    );
  });
});

test('a single frame goes by what the container claims, and by 25 without a claim', () => {
  assert.deepEqual(chooseFrameRate([[0]], MILLISECONDS, [rational(30)]).frameRate, rational(30));
  assert.deepEqual(chooseFrameRate([[0]], MILLISECONDS, []).frameRate, rational(25));
});
