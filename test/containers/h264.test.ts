import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../fast-check.ts';
import { avcConfigurationFromAnnexB } from '../../src/containers/h264/decoder-configuration.ts';
import {
  annexBToLengthPrefixed,
  dropSei,
  isIdr,
  splitAnnexB,
  splitLengthPrefixed,
} from '../../src/containers/h264/nal-units.ts';
import { AppError } from '../../src/errors.ts';

/** A NAL unit as an encoder writes it: no start code inside, no zero at the end. */
const anyNalUnit = fc
  .uint8Array({ minLength: 1, maxLength: 30 })
  .map((bytes) => Uint8Array.from([...bytes.map((byte) => (byte < 3 ? byte + 3 : byte)), 0, 0, 3]));
const anyStartCode = fc.constantFrom([0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0, 0, 1]);

test('NAL units come out of a byte stream whole, whatever the start codes', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyStartCode, anyNalUnit)), fc.nat(3), (parts, trailingZeros) => {
      const stream = Uint8Array.from([
        ...parts.flatMap(([startCode, unit]) => [...startCode, ...unit]),
        ...Array.from({ length: trailingZeros }, () => 0),
      ]);
      const units = parts.map(([, unit]) => unit);
      assert.deepEqual(splitAnnexB(stream), units);
      assert.deepEqual(splitLengthPrefixed(annexBToLengthPrefixed(stream)), units);
    }),
  );
});

test('a stray 00 01 is not a start code', () => {
  assert.deepEqual(splitAnnexB(Uint8Array.of(9, 0, 1, 0, 0, 1, 0x65, 0, 1, 1, 0, 0, 2)), [
    Uint8Array.of(0x65, 0, 1, 1, 0, 0, 2),
  ]);
});

test('SEI goes, and IDR is seen behind what comes before it', () => {
  const unit = annexBToLengthPrefixed(Uint8Array.of(0, 0, 1, 0x06, 5, 1, 0x80, 0, 0, 1, 0x65, 0x88));
  assert.equal(isIdr(unit), true);
  assert.deepEqual(dropSei(unit), Uint8Array.of(0, 0, 0, 2, 0x65, 0x88));
  assert.equal(isIdr(Uint8Array.of(0, 0, 0, 2, 0x41, 0x9a)), false);
});

test('a frame whose lengths do not fit is damaged, not read past', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        assert.ok(splitLengthPrefixed(bytes).every((unit) => unit.length > 0));
      } catch (error) {
        assert.ok(error instanceof AppError && error.code === 'source_damaged');
      }
    }),
  );
  assert.throws(() => isIdr(Uint8Array.of(0, 0, 0, 9, 0x65)), AppError);
});

test('the decoder configuration of High profile says chroma and depth', () => {
  // SPS of x264 for 320x240, level 1.3, and its PPS.
  const sps = Buffer.from('6764000dacd9414 1fa10000003001000000303c0f1429960'.replaceAll(' ', ''), 'hex');
  const pps = Buffer.from('68ebe3cb22c0', 'hex');
  const startCode = Buffer.of(0, 0, 0, 1);
  const record = avcConfigurationFromAnnexB(Buffer.concat([startCode, sps, startCode, pps]));
  assert.deepEqual(
    Buffer.from(record),
    Buffer.concat([
      Buffer.of(1, 0x64, 0, 0x0d, 0xff, 0xe1, 0, sps.length),
      sps,
      Buffer.of(1, 0, pps.length),
      pps,
      Buffer.of(0xfd, 0xf8, 0xf8, 0), // 4:2:0, 8 bits, 8 bits, no extensions
    ]),
  );
});

test('a header without parameter sets is refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      assert.throws(() => avcConfigurationFromAnnexB(bytes), AppError);
    }),
  );
});
