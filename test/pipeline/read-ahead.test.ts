import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAhead } from '../../src/pipeline/read-ahead.ts';

const signal = new AbortController().signal;
const CONTENT = Uint8Array.from({ length: 100 }, (_, index) => index);

/** Remembers where it was read. */
function source(fails: (offset: number) => boolean = () => false) {
  const reads: number[] = [];
  return {
    reads,
    ahead: readAhead({
      identity: 'x',
      bytes: CONTENT.length,
      async read(offset, length) {
        reads.push(offset);
        if (fails(offset)) throw new Error('broken');
        return CONTENT.slice(offset, offset + length);
      },
    }),
  };
}

test('whoever goes on finds the next piece on its way, and each is fetched once', async () => {
  const { reads, ahead } = source();
  for (let offset = 0; offset < 100; offset += 10) {
    assert.deepEqual(await ahead.read(offset, 10, signal), CONTENT.slice(offset, offset + 10));
    if (offset > 0 && offset < 90) assert.equal(reads.at(-1), offset + 10);
  }
  assert.deepEqual(reads, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
});

test('a jump fetches nothing ahead, and gets its own bytes', async () => {
  const { reads, ahead } = source();
  await ahead.read(0, 10, signal);
  await ahead.read(50, 10, signal);
  assert.deepEqual(reads, [0, 50]);
  await ahead.read(60, 10, signal);
  assert.deepEqual(await ahead.read(20, 5, signal), CONTENT.slice(20, 25));
  assert.deepEqual(reads, [0, 50, 60, 70, 20]);
});

test('a failure is told to whoever reads that piece, and to nobody else', async () => {
  const { ahead } = source((offset) => offset === 20);
  await ahead.read(0, 10, signal);
  await ahead.read(10, 10, signal);
  await assert.rejects(ahead.read(20, 10, signal), /broken/);
  assert.deepEqual(await ahead.read(30, 10, signal), CONTENT.slice(30, 40));
});
