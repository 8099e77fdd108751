import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GOOD_PICTURE, judgePicture } from '../../src/engine/child/judge-picture.ts';
import { createPainter } from '../fixtures/picture.ts';

const SIZE = { width: 160, height: 90 };

function plane(width: number, height: number, value: (x: number, y: number) => number): Uint8Array {
  return Uint8Array.from({ length: width * height }, (_, index) =>
    value(index % width, Math.floor(index / width)),
  );
}

function scene(x: number, y: number): number {
  return (x * 7 + y * 13 + ((x * y) % 31) * 5) % 256;
}

/** From the brightness and the colour of each place. */
function picture(
  luma: (x: number, y: number) => number,
  chroma: (x: number, y: number) => number = () => 128,
) {
  return {
    ...SIZE,
    planes: [plane(160, 90, luma), plane(80, 45, chroma), plane(80, 45, chroma)],
    strides: [160, 80, 80],
  };
}

test('there is more to see in a picture than in black, white, a fade, a blur or a line of text', () => {
  const paint = createPainter({ ...SIZE, frameRate: { num: 25, den: 1 } });
  const { luma, chromaU, chromaV } = paint(40);
  const good = judgePicture({ ...SIZE, planes: [luma, chromaU, chromaV], strides: [160, 80, 80] });
  const dull = {
    black: picture(() => 0),
    white: picture(() => 255),
    faded: picture((x, y) => luma[y * 160 + x]! / 12),
    gradient: picture((x) => 60 + x / 8),
    text: picture((x, y) => (y > 42 && y < 47 && x > 60 && x < 100 && x % 3 === 0 ? 255 : 0)),
  };
  assert.ok(good >= GOOD_PICTURE, `${good}`);
  for (const [name, one] of Object.entries(dull)) assert.ok(judgePicture(one) < GOOD_PICTURE, name);
});

test('of two pictures the sharper, the better lit and the more colourful is preferred', () => {
  const plain = judgePicture(picture(scene));
  assert.ok(plain > judgePicture(picture((x, y) => scene(x, y) / 4)));
  assert.ok(plain > judgePicture(picture((x, y) => scene(x - (x % 8), y - (y % 8)))));
  assert.ok(plain < judgePicture(picture(scene, (x) => x * 3)));
});
