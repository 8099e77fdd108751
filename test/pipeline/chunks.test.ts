import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Video } from '../../src/catalog/video.ts';
import type { Plan } from '../../src/media/plan.ts';
import { chunksOf } from '../../src/pipeline/encode-missing.ts';

/** A plan of one picture and one sound; nothing but the number of their segments is looked at. */
function chunks(video: number, audio: number) {
  const encodings = Object.entries({ video, audio }).map(([kind, count]) => [
    kind,
    { kind, grid: { boundaries: Array.from({ length: count + 1 }) } },
  ]);
  const plan = { encodings: new Map(encodings as never) } as unknown as Plan;
  return chunksOf({ id: 'vid', revision: 'r' } as unknown as Video, plan);
}

test('chunks tile both grids, are eight segments at most, and short at the end of what is long', () => {
  for (let count = 1; count < 130; count++) {
    const all = chunks(count, count + 1);
    for (const [kind, segments] of [
      ['video', count],
      ['audio', count + 1],
    ] as const) {
      const own = all.filter((chunk) => chunk.kind === kind);
      let end = 0;
      for (const chunk of own) {
        assert.equal(chunk.first, end);
        // Of a run on demand, which ends with its chunk, nothing is made twice.
        assert.equal(Math.floor(chunk.first / 8), Math.floor((chunk.end - 1) / 8));
        end = chunk.end;
      }
      assert.equal(end, segments);
      const last = own.at(-1)!;
      const isLong = segments >= 32;
      assert.equal(
        own.length,
        isLong ? Math.floor(segments / 8) - 1 + Math.ceil((8 + (segments % 8)) / 2) : Math.ceil(segments / 8),
      );
      if (isLong) assert.ok(last.end - last.first <= 2);
    }
  }
});
