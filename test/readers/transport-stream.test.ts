import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import * as fc from '../fast-check.ts';
import { isAppError } from '../../src/errors.ts';
import { describeTransportStream } from '../../src/readers/transport-stream.ts';

const segment = readFileSync(join(import.meta.dirname, '../../assets/Ready-made HLS/360p/segment-0.ts'));

describe('looking into a transport stream', () => {
  test('the sample has 120 pictures of 640x360, H.264 High at level 3 and AAC-LC', () => {
    assert.deepEqual(describeTransportStream(segment), {
      pictures: 120,
      codecs: 'avc1.64001e,mp4a.40.2',
      width: 640,
      height: 360,
    });
  });

  test('what is no transport stream tells nothing', () => {
    const nothing = { pictures: 0, codecs: '', width: 0, height: 0 };
    assert.deepEqual(describeTransportStream(new Uint8Array()), nothing);
    assert.deepEqual(describeTransportStream(new TextEncoder().encode('x'.repeat(1000))), nothing);
  });

  test('damage makes it know less, or throw source_damaged', () => {
    const start = segment.subarray(0, 188 * 40);
    const change = fc.tuple(fc.nat(start.length - 1), fc.nat(255));
    fc.assert(
      fc.property(
        fc.array(change, { minLength: 1, maxLength: 40 }),
        fc.nat(start.length),
        (changes, length) => {
          const bytes = Uint8Array.from(start);
          for (const [at, value] of changes) bytes[at] = value;
          try {
            const { width, height } = describeTransportStream(bytes.subarray(0, length));
            assert.ok(width >= 0 && height >= 0);
          } catch (error) {
            assert.ok(isAppError(error, 'source_damaged'), String(error));
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
