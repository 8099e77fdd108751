import assert from 'node:assert/strict';
import { test } from 'node:test';
import { displayOf } from '../../src/engine/child/display.ts';
import { rational } from '../../src/media/time.ts';

const ONE = 65_536;

/** FFmpeg's display matrix: rows (a, b, u), (c, d, v), (x, y, w). ISO/IEC 14496-12 6.2.2 */
function matrix(a: number, b: number, c: number, d: number): Uint8Array {
  const numbers = new Int32Array([a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30]);
  return new Uint8Array(numbers.buffer);
}

const cases = [
  ['none', null, 0, false],
  ['identity', matrix(1, 0, 0, 1), 0, false],
  ['a quarter clockwise, as phones held upright write it', matrix(0, 1, -1, 0), 90, false],
  ['upside down', matrix(-1, 0, 0, -1), 180, false],
  ['a quarter counterclockwise', matrix(0, -1, 1, 0), 270, false],
  ['mirrored', matrix(-1, 0, 0, 1), 0, true],
  ['mirrored top to bottom', matrix(1, 0, 0, -1), 180, true],
] as const;

for (const [name, bytes, rotationDegrees, isMirrored] of cases) {
  test(`the orientation of a display matrix: ${name}`, () => {
    const display = displayOf(640, 480, rational(1), bytes);
    assert.deepEqual([display.rotationDegrees, display.isMirrored], [rotationDegrees, isMirrored]);
    const isTurned = rotationDegrees === 90 || (rotationDegrees as number) === 270;
    assert.deepEqual([display.displayWidth, display.displayHeight], isTurned ? [480, 640] : [640, 480]);
  });
}

test('pixels that are not square are widened or heightened, never squeezed', () => {
  const wide = displayOf(720, 576, rational(64, 45), null);
  assert.deepEqual([wide.displayWidth, wide.displayHeight], [1024, 576]);
  const tall = displayOf(720, 480, rational(8, 9), null);
  assert.deepEqual([tall.displayWidth, tall.displayHeight], [720, 540]);
});

test('a pixel shape that cannot be is ignored', () => {
  const display = displayOf(640, 480, rational(100), null);
  assert.deepEqual([display.displayWidth, display.displayHeight], [640, 480]);
});
