/** Transport streams: what is written is read back, counters and clocks keep the rules, and damage does no harm. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../fast-check.ts';
import { splitAdts, writeAdts } from '../../src/containers/aac/adts.ts';
import {
  parseAudioSpecificConfig,
  writeAudioSpecificConfig,
} from '../../src/containers/aac/audio-specific-config.ts';
import { demuxTransportStream } from '../../src/containers/mpegts/demux.ts';
import { CLOCK_WRAP, PACKET_BYTES, PID, unwrapped, wrapped } from '../../src/containers/mpegts/packet.ts';
import { type TransportUnit, writeTransportSegment } from '../../src/containers/mpegts/write-segment.ts';
import { isAppError } from '../../src/errors.ts';
import { transportStreamSamples } from '../../src/readers/samples/transport-stream-samples.ts';

const anyUnits = (first: number, leastBytes: number): fc.Arbitrary<readonly TransportUnit[]> =>
  fc
    .array(
      fc.record({
        bytes: fc.oneof(fc.integer({ min: leastBytes, max: 600 }), fc.integer({ min: 600, max: 40_000 })),
        ticks: fc.integer({ min: 1, max: 60_000 }),
        delay: fc.integer({ min: 0, max: 20_000 }),
        isRandomAccess: fc.boolean(),
      }),
      { minLength: 1, maxLength: 12 },
    )
    .map((units) => {
      let decodeTicks = first;
      return units.map(({ bytes, ticks, delay, isRandomAccess }, i) => {
        decodeTicks += ticks;
        const data = new Uint8Array(bytes).fill(i + 1);
        return { decodeTicks, presentationTicks: decodeTicks + delay, isRandomAccess, data };
      });
    });

const anySegment = fc
  .integer({ min: 100_000, max: CLOCK_WRAP + 100_000 })
  .chain((first) =>
    fc.record(
      { video: anyUnits(first, 7), audio: anyUnits(first, 13), index: fc.nat(100_000) },
      { requiredKeys: ['index', 'video'] },
    ),
  );

test('what is written is read back, unit by unit', () => {
  fc.assert(
    fc.property(anySegment, ({ audio, ...segment }) => {
      const whole = { ...segment, ...(audio === undefined ? {} : { audio }) };
      const streams = demuxTransportStream(writeTransportSegment(whole));
      assert.deepEqual(
        streams.map(({ pid }) => pid),
        audio === undefined ? [PID.video] : [PID.video, PID.audio],
      );
      for (const { pid, packets } of streams) {
        const units = pid === PID.video ? segment.video : audio!;
        assert.equal(packets.length, units.length);
        packets.forEach(({ decodeTicks, presentationTicks, data }, i) => {
          assert.equal(decodeTicks, wrapped(units[i]!.decodeTicks));
          assert.equal(presentationTicks, wrapped(units[i]!.presentationTicks));
          assert.deepEqual(Buffer.from(data), Buffer.from(units[i]!.data));
        });
      }
    }),
    { numRuns: 60 },
  );
});

test('counters go on over segments that do not know each other, and the clock is told ten times a second', () => {
  fc.assert(
    fc.property(anySegment, anySegment, (one, other) => {
      const bytes = [one, other].map(({ video, audio }, i) =>
        writeTransportSegment({ index: one.index + i, video, audio: audio ?? [] }),
      );
      const counters = new Map<number, number>();
      for (const stream of bytes) {
        let clock: number | undefined;
        for (const packet of packetsOf(stream)) {
          const expected = counters.get(packet.pid);
          if (expected !== undefined) {
            assert.equal(packet.counter, (expected + (packet.hasPayload ? 1 : 0)) % 16, `PID ${packet.pid}`);
          }
          counters.set(packet.pid, packet.counter);
          if (packet.clock === undefined) continue;
          if (clock !== undefined) assert.ok(unwrapped(packet.clock, clock) - clock <= 9000);
          clock = packet.clock;
        }
      }
    }),
    { numRuns: 60 },
  );
});

/** An access unit with a delimiter, an SPS of 160x90, a PPS, and what may be an IDR slice. */
const PICTURE = Buffer.from(
  '0000000109f0000000016742c00ada0a0df9784000000300400000' +
    '0c83c489a80000000168ce3c80000000016588' +
    '07'.repeat(50),
  'hex',
);

function soundOrPicture(ticks: number, data: Uint8Array): TransportUnit {
  return { decodeTicks: ticks, presentationTicks: ticks, isRandomAccess: true, data };
}

test('damage of any kind ends in an error of ours, or in samples, and soon', () => {
  const frame = new Uint8Array(50).fill(7);
  const config = { objectType: 2, frequencyIndex: 3, channelConfiguration: 2 };
  const segment = writeTransportSegment({
    index: 0,
    video: [0, 1, 2].map((i) => soundOrPicture(i * 3000, PICTURE)),
    audio: [0, 1].map((i) => soundOrPicture(i * 3840, writeAdts(config, [frame, frame]))),
  });
  const whole = transportStreamSamples(segment);
  assert.deepEqual(
    whole.map(({ samples }) => samples.length),
    [3, 4],
  );
  assert.deepEqual([whole[1]!.samples[3]!.decodeTicks, whole[1]!.samples[3]!.durationTicks], [3072, 1024]);

  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(segment.length - 1), fc.nat(255)), { maxLength: 30 }),
      fc.nat(segment.length),
      fc.nat(segment.length),
      (changes, from, end) => {
        const broken = Uint8Array.from(segment);
        for (const [at, value] of changes) broken[at] = value;
        try {
          transportStreamSamples(broken.subarray(Math.min(from, end), end));
        } catch (error) {
          assert.ok(isAppError(error, 'source_damaged'), String(error));
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('a megabyte of sync bytes, of start codes and of headers takes no time worth mentioning', () => {
  const startedAt = performance.now();
  for (const pattern of [[0x47], [0x47, 0x40, 0, 0x10], [0, 0, 1], [0xff, 0xf1, 0x4c, 0x80, 1, 0x7f, 0xfc]]) {
    const bytes = Uint8Array.from({ length: 2 ** 20 }, (_, i) => pattern[i % pattern.length]!);
    assert.throws(
      () => transportStreamSamples(bytes),
      (error) => isAppError(error, 'source_damaged'),
    );
    splitAdts(bytes);
  }
  assert.ok(performance.now() - startedAt < 10_000);
});

test('times lie nearest to where they are expected', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.integer({ min: -(2 ** 31), max: 2 ** 31 }), (expected, off) => {
      const at = (expected % 2 ** 50) + off;
      assert.equal(unwrapped(wrapped(at), expected % 2 ** 50), at);
    }),
  );
});

test('ADTS says what an AudioSpecificConfig says', () => {
  for (const objectType of [1, 2, 3, 4]) {
    for (const frequencyIndex of [0, 3, 4, 12]) {
      for (const channelConfiguration of [1, 2, 6, 7]) {
        const config = { objectType, frequencyIndex, channelConfiguration };
        const frames = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6, 7)];
        const split = splitAdts(writeAdts(config, frames));
        assert.deepEqual(
          split.frames.map((one) => [one.config, [...one.data]]),
          frames.map((data) => [config, [...data]]),
        );
        assert.deepEqual(parseAudioSpecificConfig(writeAudioSpecificConfig(config)), config);
      }
    }
  }
  // HE-AAC: the core is what ADTS says. 24 kHz, stereo, extended to 48 kHz.
  const core = parseAudioSpecificConfig(Uint8Array.of(0x2b, 0x11, 0x88, 0));
  assert.deepEqual(core, { objectType: 2, frequencyIndex: 6, channelConfiguration: 2 });
});

/** Packets as 2.4.3.2 has them; written from the standard, not from the writer. */
function packetsOf(bytes: Uint8Array) {
  return Array.from({ length: bytes.length / PACKET_BYTES }, (_, i) => {
    const packet = Buffer.from(bytes.subarray(i * PACKET_BYTES, (i + 1) * PACKET_BYTES));
    assert.equal(packet[0], 0x47);
    const hasField = (packet[3]! & 0x20) !== 0;
    const hasClock = hasField && packet[4]! > 0 && (packet[5]! & 0x10) !== 0;
    return {
      pid: packet.readUInt16BE(1) & 0x1fff,
      counter: packet[3]! & 15,
      hasPayload: (packet[3]! & 0x10) !== 0,
      clock: hasClock ? packet.readUInt32BE(6) * 2 + (packet[10]! >> 7) : undefined,
    };
  });
}
