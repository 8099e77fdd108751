import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../fast-check.ts';
import { encodeFrame, FrameReader } from '../../src/engine/protocol.ts';
import { reportSchema } from '../../src/engine/protocol-schema.ts';

const message = fc.record({
  trackId: fc.string(),
  index: fc.nat(),
  payload: fc.uint8Array({ maxLength: 300 }),
});

test('frames arrive whole and in order, however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 90 })),
      (messages, cuts) => {
        const chunks = messages.flatMap(({ trackId, index, payload }) =>
          encodeFrame({ type: 'segment', trackId, index }, payload),
        );
        const bytes = Buffer.concat(chunks);
        const reader = new FrameReader();
        const frames = [];
        for (let offset = 0, cut = 0; offset < bytes.length; cut++) {
          const length = cuts[cut % Math.max(1, cuts.length)] ?? bytes.length;
          frames.push(...reader.push(bytes.subarray(offset, offset + length)));
          offset += length;
        }
        assert.deepEqual(
          frames.map(({ header, payload }) => ({ header, payload: [...payload] })),
          messages.map(({ trackId, index, payload }) => ({
            header: { type: 'segment', trackId, index },
            payload: [...payload],
          })),
        );
      },
    ),
  );
});

test('a frame that claims gigabytes is refused before anything is kept for it', () => {
  const prefix = new Uint8Array(8);
  new DataView(prefix.buffer).setUint32(4, 0xffff_ffff);
  assert.throws(() => new FrameReader().push(prefix), RangeError);
});

test('what a child says is checked', () => {
  assert.equal(reportSchema.safeParse({ type: 'read', offset: -1, length: 10 }).success, false);
  assert.equal(reportSchema.safeParse({ type: 'read', offset: 0, length: 1e9 }).success, false);
  assert.equal(
    reportSchema.safeParse({ type: 'segment', trackId: 'x'.repeat(100), index: 0 }).success,
    false,
  );
  assert.equal(reportSchema.safeParse({ type: 'job' }).success, false);
  const failure = reportSchema.parse({ type: 'failed', code: 'unauthorized', message: 'let me in' });
  assert.deepEqual(failure, { type: 'failed', code: 'encode_failed', message: 'let me in' });
});
