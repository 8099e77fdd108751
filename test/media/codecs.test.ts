import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../fast-check.ts';
import { AppError } from '../../src/errors.ts';
import {
  avcCodecString,
  codecStringFromAudioSpecificConfig,
  codecStringFromAvcC,
} from '../../src/media/codecs.ts';
import { H264_LEVELS, h264LevelFor } from '../../src/media/h264-levels.ts';
import { rational } from '../../src/media/time.ts';

test('CODECS strings as RFC 6381 and the codecs have them', () => {
  assert.equal(avcCodecString({ profile: 'high', level: 30 }), 'avc1.64001e');
  assert.equal(avcCodecString({ profile: 'main', level: 31 }), 'avc1.4d401f');
  assert.equal(avcCodecString({ profile: 'baseline', level: 10 }), 'avc1.42c00a');
  assert.equal(codecStringFromAvcC(Uint8Array.of(1, 0x64, 0, 0x28, 0xff)), 'avc1.640028');
  assert.equal(codecStringFromAudioSpecificConfig(Uint8Array.of(0x11, 0x90)), 'mp4a.40.2'); // AAC-LC 48 kHz
  assert.equal(codecStringFromAudioSpecificConfig(Uint8Array.of(0x2b, 0x09)), 'mp4a.40.5'); // HE-AAC
  assert.equal(codecStringFromAudioSpecificConfig(Uint8Array.of(0xf9, 0x46)), 'mp4a.40.42'); // xHE-AAC
  assert.throws(() => codecStringFromAvcC(Uint8Array.of(1, 0x64)), AppError);
  assert.throws(() => codecStringFromAudioSpecificConfig(Uint8Array.of(0x11)), AppError);
});

const ordinary = { profile: 'high' as const, maxBitsPerSecond: 1_000_000 };

function levelOf(width: number, height: number, frameRate: number): number {
  return h264LevelFor({ ...ordinary, width, height, frameRate: rational(frameRate) });
}

test('well-known pictures have their well-known levels', () => {
  assert.equal(levelOf(426, 240, 24), 21);
  assert.equal(levelOf(854, 480, 30), 31);
  assert.equal(levelOf(720, 576, 25), 30);
  assert.equal(levelOf(1280, 720, 30), 31);
  assert.equal(levelOf(1280, 720, 60), 32);
  assert.equal(levelOf(1920, 1080, 30), 40);
  assert.equal(levelOf(1920, 1080, 60), 42);
  assert.equal(levelOf(3840, 2160, 30), 51);
  assert.equal(levelOf(3840, 2160, 60), 52);
});

test('bitrate, buffer, reference frames and long sides raise the level too', () => {
  const small = { ...ordinary, width: 320, height: 240, frameRate: rational(30), referenceFrames: 1 };
  assert.equal(h264LevelFor(small), 20);
  assert.equal(h264LevelFor({ ...small, maxBitsPerSecond: 960_000 }), 13);
  assert.equal(h264LevelFor({ ...small, maxBitsPerSecond: 12_500_000 }), 30);
  assert.equal(h264LevelFor({ ...small, maxBitsPerSecond: 12_500_001 }), 31);
  assert.equal(h264LevelFor({ ...small, profile: 'main', maxBitsPerSecond: 12_500_000 }), 31);
  assert.equal(h264LevelFor({ ...small, bufferBits: 12_500_001 }), 31);
  assert.equal(h264LevelFor({ ...small, referenceFrames: 16 }), 22);
  assert.equal(h264LevelFor({ ...small, width: 2000, height: 32 }), 31);
});

test('what no level holds is refused', () => {
  const huge = { ...ordinary, width: 20_000, height: 10_000, frameRate: rational(30) };
  assert.throws(() => h264LevelFor(huge), { code: 'source_unsupported' });
});

test('asking for more never gives a lower level', () => {
  const size = fc.integer({ min: 16, max: 4000 });
  const more = fc.integer({ min: 0, max: 200 });
  fc.assert(
    fc.property(
      size,
      size,
      fc.integer({ min: 1, max: 60 }),
      more,
      more,
      (width, height, rate, wider, taller) => {
        const level = h264LevelFor({ ...ordinary, width, height, frameRate: rational(rate) });
        const other = {
          ...ordinary,
          width: width + wider,
          height: height + taller,
          frameRate: rational(rate),
        };
        assert.ok(H264_LEVELS.some((limits) => limits.levelIdc === level));
        assert.ok(h264LevelFor(other) >= level);
      },
    ),
  );
});
