import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type RangeAnswer, contentRange, plainRange, resolveRanges } from '../../src/server/ranges.ts';
import * as fc from '../fast-check.ts';

const WHOLE: RangeAnswer = { kind: 'whole' };
const UNSATISFIABLE: RangeAnswer = { kind: 'unsatisfiable' };
const partial = (...spans: [number, number][]) => ({
  kind: 'partial',
  spans: spans.map(([start, end]) => ({ start, end })),
});

describe('byte ranges of 100 bytes', () => {
  for (const [header, expected] of [
    ['bytes=0-0', partial([0, 0])],
    ['bytes=10-19', partial([10, 19])],
    ['bytes=10-', partial([10, 99])],
    ['bytes=90-1000', partial([90, 99])],
    ['bytes=-7', partial([93, 99])],
    ['bytes=-1000', partial([0, 99])],
    ['BYTES=1-2', partial([1, 2])],
    ['bytes=1-2, 5-6', partial([1, 2], [5, 6])],
    ['bytes=5-6,1-2', partial([5, 6], [1, 2])],
    ['bytes= ,1-2 ,\t,5-6,', partial([1, 2], [5, 6])],
    ['bytes=200-300,5-6', partial([5, 6])],
    ['bytes=1-99999999999999999999999999', partial([1, 99])],
    ['bytes=100-', UNSATISFIABLE],
    ['bytes=-0', UNSATISFIABLE],
    ['bytes=100-200,-0', UNSATISFIABLE],
    ['bytes=99999999999999999999999999-', UNSATISFIABLE],
    ['bytes=2-1', WHOLE],
    ['bytes=', WHOLE],
    ['bytes=,', WHOLE],
    ['bytes=-', WHOLE],
    ['bytes=a-b', WHOLE],
    ['bytes=1-2,x', WHOLE],
    ['bytes=1-2-3', WHOLE],
    ['bytes=+1-2', WHOLE],
    ['bytes=1.0-2', WHOLE],
    ['bytes = 1-2', WHOLE],
    ['items=1-2', WHOLE],
    ['1-2', WHOLE],
  ] as [string, RangeAnswer][]) {
    test(header, () => assert.deepEqual(resolveRanges(header, 100), expected));
  }

  test('no header asks for the whole', () => assert.deepEqual(resolveRanges(undefined, 100), WHOLE));

  test('of no bytes, a suffix is the whole and an offset is beyond the end', () => {
    assert.deepEqual(resolveRanges('bytes=-5', 0), WHOLE);
    assert.deepEqual(resolveRanges('bytes=0-', 0), UNSATISFIABLE);
    assert.deepEqual(resolveRanges('bytes=-0', 0), UNSATISFIABLE);
  });

  test('sixteen ranges are served and seventeen are not', () => {
    const ranges = Array.from({ length: 17 }, (_, n) => `${n}-${n}`);
    assert.equal(resolveRanges(`bytes=${ranges.slice(1)}`, 100).kind, 'partial');
    assert.deepEqual(resolveRanges(`bytes=${ranges}`, 100), WHOLE);
  });

  test('ranges that together are longer than the whole are not served', () => {
    assert.deepEqual(resolveRanges('bytes=0-,0-,0-', 100), WHOLE);
    assert.equal(resolveRanges('bytes=0-49,50-99', 100).kind, 'partial');
    assert.deepEqual(resolveRanges('bytes=0-50,50-99', 100), WHOLE);
  });
});

test('any text gives the whole, or spans that lie inside, in which every byte was asked for', () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^bytes=[0-9, -]*$/));
  fc.assert(
    fc.property(text, fc.nat(300), (header, bytes) => {
      const answer = resolveRanges(header, bytes);
      if (answer.kind !== 'partial') return;
      for (const { start, end } of answer.spans) assert.ok(start >= 0 && start <= end && end < bytes);
    }),
  );
});

test('what can be said without the length is what is found with it', () => {
  const text = fc.oneof(
    fc.constant(undefined),
    fc.string(),
    fc.stringMatching(/^bytes=[0-9]{0,3}-[0-9]{0,3}$/),
    fc.stringMatching(/^bytes=[0-9, -]*$/),
  );
  fc.assert(
    fc.property(text, fc.nat(300), (header, bytes) => {
      const plain = plainRange(header);
      if (plain === undefined) return;
      const answer = resolveRanges(header, bytes);
      if (answer.kind === 'unsatisfiable') return assert.ok(plain.start >= bytes);
      const found = answer.kind === 'whole' ? { start: 0, end: bytes - 1 } : answer.spans[0];
      assert.deepEqual(found, { start: plain.start, end: Math.min(plain.end ?? bytes - 1, bytes - 1) });
    }),
  );
  assert.equal(plainRange('bytes=-5'), undefined);
  assert.equal(plainRange('bytes=1-2,5-6'), undefined);
  assert.deepEqual(plainRange('bytes=1-99999999999999999999'), { start: 1 });
});

test('Content-Range counts inclusively', () => {
  assert.equal(contentRange({ start: 0, end: 9 }, 100), 'bytes 0-9/100');
});
