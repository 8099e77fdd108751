/**
 * How fast stored segments become MPEG-TS segments, on one core: megabytes of result a second, for a quality of few
 * and one of many bits. Prints each and the median of the rounds.
 *
 *   node bench/mpegts.ts [rounds]
 */
import { writeInitSegment } from '../src/containers/isobmff/write-init-segment.ts';
import { writeMediaSegment } from '../src/containers/isobmff/write-media-segment.ts';
import { transportSegment } from '../src/formats/hls-ts/segment.ts';
import { median } from './processor-time.ts';

const LIMIT = 300;
const SECONDS = 4;
const FRAME_RATE = 30;
const SOUND_FRAMES = 188;

const [rounds = '20'] = process.argv.slice(2);
const results = [1_000_000, 8_000_000].map((bitsPerSecond) => {
  const parts = segmentOf(bitsPerSecond);
  const speeds: number[] = [];
  for (let round = 0; round < Number(rounds); round++) speeds.push(measure(parts));
  const speed = median(speeds);
  const verdict = speed >= LIMIT ? 'holds' : 'DOES NOT HOLD';
  console.log(
    `${bitsPerSecond / 1e6} Mbit/s: ${speed.toFixed(0)} MB/s, at least ${LIMIT}: ${verdict} ` +
      `(${Math.min(...speeds).toFixed(0)} to ${Math.max(...speeds).toFixed(0)})`,
  );
  return speed;
});
process.exitCode = Math.min(...results) >= LIMIT ? 0 : 1;

function measure(parts: Parameters<typeof transportSegment>[0]): number {
  let bytes = 0;
  const startedAt = performance.now();
  while (performance.now() - startedAt < 200) bytes += transportSegment(parts).length;
  return bytes / 1e6 / ((performance.now() - startedAt) / 1000);
}

/** Bytes of no meaning in the sizes of real ones: nothing looks into them. */
function segmentOf(bitsPerSecond: number): Parameters<typeof transportSegment>[0] {
  const avcC = Uint8Array.of(1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 4, 0x67, 0x64, 0, 0x1f, 1, 0, 2, 0x68, 0xee);
  const pictureBytes = bitsPerSecond / 8 / FRAME_RATE;
  const pictures = Array.from({ length: SECONDS * FRAME_RATE }, (_, i) => ({
    durationTicks: 1,
    compositionOffsetTicks: 0,
    isSync: i === 0,
    data: picture(Math.round(pictureBytes * (i === 0 ? 8 : 0.94))),
  }));
  const frames = Array.from({ length: SOUND_FRAMES }, () => ({
    durationTicks: 1024,
    compositionOffsetTicks: 0,
    isSync: true,
    data: new Uint8Array(341).fill(0x55),
  }));
  const place = { sequenceNumber: 1, baseMediaDecodeTime: 0 };
  return {
    index: 0,
    video: {
      init: writeInitSegment({
        kind: 'video',
        trackId: 1,
        timescale: FRAME_RATE,
        presentationOffsetTicks: 0,
        width: 1280,
        height: 720,
        avcC,
      }),
      segment: writeMediaSegment({ ...place, trackId: 1, samples: pictures }),
    },
    audio: {
      init: writeInitSegment({
        kind: 'audio',
        trackId: 2,
        timescale: 48_000,
        presentationOffsetTicks: 0,
        channels: 2,
        sampleRate: 48_000,
        audioSpecificConfig: Uint8Array.of(0x11, 0x90),
      }),
      segments: [writeMediaSegment({ ...place, trackId: 2, samples: frames })],
      fromTicks: -Infinity,
      untilTicks: Infinity,
    },
  };
}

function picture(bytes: number): Uint8Array {
  const sample = new Uint8Array(bytes).fill(0x55);
  new DataView(sample.buffer).setUint32(0, bytes - 4);
  return sample;
}
