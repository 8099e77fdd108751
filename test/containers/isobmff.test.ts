import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../fast-check.ts';
import { firstSampleAlone } from '../../src/containers/isobmff/first-sample.ts';
import { findBox, readBoxes } from '../../src/containers/isobmff/box-reader.ts';
import { parseInitSegment } from '../../src/containers/isobmff/parse-init-segment.ts';
import { parseMediaSegment } from '../../src/containers/isobmff/parse-media-segment.ts';
import { parseSidx } from '../../src/containers/isobmff/parse-sidx.ts';
import type { TrackDescription } from '../../src/containers/isobmff/track-description.ts';
import { writeInitSegment } from '../../src/containers/isobmff/write-init-segment.ts';
import { type MediaSegment, writeMediaSegment } from '../../src/containers/isobmff/write-media-segment.ts';
import { AppError } from '../../src/errors.ts';

const uint32 = fc.integer({ min: 0, max: 0xffffffff });

const anySegment: fc.Arbitrary<MediaSegment> = fc.record({
  trackId: fc.integer({ min: 1, max: 0xffffffff }),
  sequenceNumber: uint32,
  baseMediaDecodeTime: fc
    .maxSafeInteger()
    .map(Math.abs)
    .map((ticks) => Math.floor(ticks / 1000)),
  samples: fc.array(
    fc.record({
      // Few values, so that equal ones meet and are written once for all.
      durationTicks: fc.oneof(fc.constantFrom(1001, 1024), uint32),
      compositionOffsetTicks: fc.oneof(fc.constantFrom(0, 2002), uint32),
      isSync: fc.boolean(),
      data: fc.uint8Array({ maxLength: 40 }),
    }),
    { minLength: 1, maxLength: 20 },
  ),
});

const anyVideo: fc.Arbitrary<TrackDescription> = fc.record({
  kind: fc.constant('video' as const),
  trackId: fc.integer({ min: 1, max: 0xffffffff }),
  timescale: fc.integer({ min: 1, max: 0xffffffff }),
  presentationOffsetTicks: fc.integer({ min: 0, max: 0x7fffffff }),
  width: fc.integer({ min: 2, max: 0xffff }),
  height: fc.integer({ min: 2, max: 0xffff }),
  avcC: fc.uint8Array({ minLength: 7, maxLength: 60 }),
  color: fc.record({
    primaries: fc.integer({ min: 0, max: 22 }),
    transfer: fc.integer({ min: 0, max: 18 }),
    matrix: fc.integer({ min: 0, max: 14 }),
    isFullRange: fc.boolean(),
  }),
});

const anyAudio: fc.Arbitrary<TrackDescription> = fc.record({
  kind: fc.constant('audio' as const),
  trackId: fc.integer({ min: 1, max: 0xffffffff }),
  timescale: fc.integer({ min: 1, max: 0xffffffff }),
  presentationOffsetTicks: fc.integer({ min: 0, max: 0x7fffffff }),
  channels: fc.integer({ min: 1, max: 8 }),
  sampleRate: fc.integer({ min: 8000, max: 0xffff }),
  // Long ones need sizes of several groups.
  audioSpecificConfig: fc.uint8Array({ minLength: 2, maxLength: 300 }),
});

test('a written segment parses back to the same samples and the same bytes', () => {
  fc.assert(
    fc.property(anySegment, (segment) => {
      const bytes = writeMediaSegment(segment);
      const [track, ...others] = parseMediaSegment(bytes);
      assert.equal(others.length, 0);
      assert.equal(track?.trackId, segment.trackId);
      assert.equal(track?.baseMediaDecodeTime, segment.baseMediaDecodeTime);
      assert.equal(track.samples.length, segment.samples.length);
      let decodeTime = segment.baseMediaDecodeTime;
      track.samples.forEach((parsed, i) => {
        const written = segment.samples[i];
        assert.equal(parsed.decodeTimeTicks, decodeTime);
        assert.equal(parsed.durationTicks, written?.durationTicks);
        assert.equal(parsed.compositionOffsetTicks, written?.compositionOffsetTicks);
        assert.equal(parsed.isSync, written?.isSync);
        assert.deepEqual(bytes.slice(parsed.offset, parsed.offset + parsed.bytes), written?.data);
        decodeTime += parsed.durationTicks;
      });
    }),
  );
});

test('the first frame of a segment alone keeps its time and lasts as long as the whole segment', () => {
  fc.assert(
    fc.property(anySegment, fc.integer({ min: 0, max: 1000 }), (segment, index) => {
      const [first, ...others] = segment.samples.map((sample) => ({
        ...sample,
        durationTicks: sample.durationTicks % 100_000,
      }));
      if (first === undefined) return;
      const samples = [{ ...first, isSync: true }, ...others];
      const alone = firstSampleAlone(writeMediaSegment({ ...segment, samples }), index);
      const expected = {
        ...samples[0]!,
        durationTicks: samples.reduce((sum, { durationTicks }) => sum + durationTicks, 0),
      };
      assert.deepEqual(
        alone,
        writeMediaSegment({ ...segment, sequenceNumber: index + 1, samples: [expected] }),
      );
    }),
  );
});

test('what cannot be shown alone is refused', () => {
  const sample = { durationTicks: 1, compositionOffsetTicks: 0, isSync: false, data: new Uint8Array(1) };
  const segment = { trackId: 1, sequenceNumber: 1, baseMediaDecodeTime: 0, samples: [sample] };
  for (const bytes of [writeMediaSegment(segment), new Uint8Array(0), new Uint8Array(100)]) {
    assert.throws(() => firstSampleAlone(bytes, 0), { code: 'source_damaged' });
  }
});

test('a segment fills its one buffer to the last byte, and its boxes tile it', () => {
  fc.assert(
    fc.property(anySegment, (segment) => {
      const bytes = writeMediaSegment(segment);
      assert.equal(bytes.byteLength, bytes.buffer.byteLength);
      assert.deepEqual(
        readBoxes(bytes).map(({ type }) => type),
        ['styp', 'moof', 'mdat'],
      );
      assert.deepEqual(writeMediaSegment(segment), bytes);
    }),
  );
});

test('what all samples share is not repeated for each', () => {
  const sample = { durationTicks: 1024, compositionOffsetTicks: 0, isSync: true, data: new Uint8Array(1) };
  const size = (count: number) =>
    writeMediaSegment({
      trackId: 1,
      sequenceNumber: 1,
      baseMediaDecodeTime: 0,
      samples: Array.from({ length: count }, () => sample),
    }).length;
  // One byte of data and four for its size.
  assert.equal(size(10) - size(9), 5);
});

test('what boxes cannot hold is refused', () => {
  const sample = { durationTicks: 1, compositionOffsetTicks: 0, isSync: true, data: new Uint8Array(1) };
  const segment = { trackId: 1, sequenceNumber: 1, baseMediaDecodeTime: 0, samples: [sample] };
  assert.throws(() => writeMediaSegment({ ...segment, samples: [] }), RangeError);
  assert.throws(() => writeMediaSegment({ ...segment, baseMediaDecodeTime: -1 }), RangeError);
  assert.throws(
    () =>
      writeMediaSegment({
        ...segment,
        samples: [sample, { ...sample, compositionOffsetTicks: -(2 ** 31) - 1 }],
      }),
    RangeError,
  );
});

test('a written init segment parses back', () => {
  fc.assert(
    fc.property(fc.oneof(anyVideo, anyAudio), (description) => {
      const bytes = writeInitSegment(description);
      const [track, ...others] = parseInitSegment(bytes);
      assert.equal(others.length, 0);
      assert.equal(track?.kind, description.kind);
      assert.equal(track.trackId, description.trackId);
      assert.equal(track.timescale, description.timescale);
      assert.equal(track.presentationOffsetTicks, description.presentationOffsetTicks);
      if (description.kind === 'video') {
        assert.deepEqual([track.width, track.height], [description.width, description.height]);
        assert.ok('avcC' in description);
        const [, ...profileAndLevel] = description.avcC.subarray(0, 4);
        assert.equal(track.codecs, `avc1.${Buffer.from(profileAndLevel).toString('hex')}`);
      } else {
        assert.deepEqual([track.channels, track.sampleRate], [description.channels, description.sampleRate]);
      }
    }),
  );
});

test('there is an edit list exactly where there is something to take off', () => {
  const audio: TrackDescription = {
    kind: 'audio',
    trackId: 2,
    timescale: 48_000,
    channels: 2,
    sampleRate: 48_000,
    audioSpecificConfig: Uint8Array.of(0x11, 0x90),
    presentationOffsetTicks: 0,
  };
  const hasEdit = (offset: number) =>
    Buffer.from(writeInitSegment({ ...audio, presentationOffsetTicks: offset })).includes('elst');
  assert.equal(hasEdit(0), false);
  assert.equal(hasEdit(1024), true);
});

test('defaults of the init segment fill in what a fragment leaves unsaid', () => {
  // tfhd and trun with nothing but a count: 2 samples.
  const moof = box(
    'moof',
    box('traf', fullBox('tfhd', 0x020000, u32(7)), fullBox('trun', 1, u32(2), u32(0))),
  );
  const segment = join(moof, box('mdat', new Uint8Array(6)));
  const defaults = new Map([[7, { durationTicks: 10, bytes: 3, flags: 0x10000 }]]);
  const [track] = parseMediaSegment(segment, defaults);
  assert.deepEqual(track?.samples, [
    { decodeTimeTicks: 0, durationTicks: 10, compositionOffsetTicks: 0, isSync: false, offset: 0, bytes: 3 },
    { decodeTimeTicks: 10, durationTicks: 10, compositionOffsetTicks: 0, isSync: false, offset: 3, bytes: 3 },
  ]);
});

test('fragments of several tracks in one segment are told apart, and go on from each other', () => {
  const bytes = join(oneSample(1, 0), oneSample(2, 100), oneSample(1, 5));
  const tracks = parseMediaSegment(bytes);
  assert.deepEqual(
    tracks.map(({ trackId, samples }) => [trackId, samples.map((s) => [s.decodeTimeTicks, bytes[s.offset]])]),
    [
      [
        1,
        [
          [0, 1],
          [5, 1],
        ],
      ],
      [2, [[100, 2]]],
    ],
  );
});

test('a segment index says where its subsegments lie', () => {
  const sidx = fullBox(
    'sidx',
    0,
    u32(1),
    u32(1000),
    u32(40),
    u32(16),
    u32(2),
    u32(300),
    u32(4000),
    u32(0x90000000),
    u32(0x80000064),
    u32(2000),
    u32(0),
  );
  const bytes = join(box('ftyp', u32(0)), sidx);
  const end = bytes.length;
  assert.deepEqual(parseSidx(bytes), {
    timescale: 1000,
    earliestPresentationTicks: 40,
    references: [
      { offset: end + 16, bytes: 300, durationTicks: 4000, startsWithSync: true, isIndex: false },
      { offset: end + 316, bytes: 100, durationTicks: 2000, startsWithSync: false, isIndex: true },
    ],
  });
  assert.equal(parseSidx(box('free', u32(0))), undefined);
});

test('damage is told in words', () => {
  assertDamaged(new Uint8Array(), /no movie fragment/);
  assertDamaged(Uint8Array.of(0, 0, 0, 4, 109, 111, 111, 102), /impossible size/);
  assertDamaged(Uint8Array.of(0, 0, 1, 0, 109, 111, 111, 102), /cut off/);
  assertDamaged(
    box('moof', box('traf', fullBox('tfhd', 0, u32(1)), fullBox('trun', 0, u32(0xffffffff)))),
    /more samples than bytes/,
  );
  assertDamaged(
    box('moof', box('traf', fullBox('tfhd', 0x10, u32(1), u32(999)), fullBox('trun', 0, u32(1)))),
    /outside/,
  );
  // Deeper than any real file: only boxes that are entered count.
  let deep = new Uint8Array();
  for (let i = 0; i < 40; i++) deep = box('moov', deep);
  assert.throws(() => readBoxesRecursively(deep), /nested too deeply/);
});

test('random bytes, and real segments with random damage, fail as AppError or parse, and never hang', () => {
  const segment = writeMediaSegment({
    trackId: 1,
    sequenceNumber: 1,
    baseMediaDecodeTime: 7,
    samples: [10, 20, 30].map((size, i) => ({
      durationTicks: 512 + i,
      compositionOffsetTicks: i,
      isSync: i === 0,
      data: new Uint8Array(size),
    })),
  });
  const init = writeInitSegment({
    kind: 'audio',
    trackId: 2,
    timescale: 48_000,
    channels: 2,
    sampleRate: 48_000,
    audioSpecificConfig: Uint8Array.of(0x11, 0x90),
    presentationOffsetTicks: 1024,
  });
  const damages = fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255) }), { maxLength: 6 });
  const damage = (bytes: Uint8Array) =>
    fc.tuple(damages, fc.nat(bytes.length)).map(([changes, length]) => {
      const copy = bytes.slice(0, length < 10 ? bytes.length : length);
      for (const { at, byte } of changes) copy[at % copy.length] = byte;
      return copy;
    });
  const anyBytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    damage(segment),
    damage(init),
    damage(join(init, segment)),
  );
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      for (const parse of [parseInitSegment, parseMediaSegment, parseSidx]) {
        try {
          parse(bytes);
        } catch (error) {
          assert.ok(error instanceof AppError && error.code === 'source_damaged', String(error));
        }
      }
    }),
    { numRuns: 3000, interruptAfterTimeLimit: 120_000, markInterruptAsFailure: true },
  );
});

function oneSample(trackId: number, baseMediaDecodeTime: number): Uint8Array {
  const data = Uint8Array.of(trackId);
  const sample = { durationTicks: 5, compositionOffsetTicks: 0, isSync: true, data };
  return writeMediaSegment({ trackId, sequenceNumber: 1, baseMediaDecodeTime, samples: [sample] });
}

function assertDamaged(bytes: Uint8Array, pattern: RegExp): void {
  assert.throws(
    () => parseMediaSegment(bytes),
    (error) => error instanceof AppError && error.code === 'source_damaged' && pattern.test(error.message),
  );
}

function readBoxesRecursively(bytes: Uint8Array): void {
  let inner = findBox(readBoxes(bytes), 'moov');
  while (inner !== undefined) inner = findBox(readBoxes(bytes, inner), 'moov');
}

function u32(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.concat(parts));
}

function box(type: string, ...content: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const body = join(...content);
  return join(u32(8 + body.length), Buffer.from(type, 'latin1'), body);
}

function fullBox(type: string, flags: number, ...content: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return box(type, u32(flags), ...content);
}
