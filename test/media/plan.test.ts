import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from '../fast-check.ts';
import { AAC_FRAME_SAMPLES, AUDIO_SAMPLE_RATE, chunkOf, SEGMENTS_PER_CHUNK } from '../../src/media/grid.ts';
import { ladderFor } from '../../src/media/ladder.ts';
import { originOf, planSource } from '../../src/media/plan.ts';
import { isAudio, isVideo, type Track } from '../../src/media/presentation.ts';
import type { SourceAudio, SourceInfo, SourceSpan, SourceVideo } from '../../src/media/source.ts';
import { rational, type Rational, toNumber } from '../../src/media/time.ts';

const RATES: readonly Rational[] = [
  rational(24_000, 1001),
  rational(24),
  rational(25),
  rational(30_000, 1001),
  rational(60_000, 1001),
  rational(10),
  rational(120),
];

function sourceVideo(change: Partial<SourceVideo> = {}): SourceVideo {
  return {
    streamIndex: 0,
    codec: 'h264',
    pixelFormat: 'yuv420p',
    codedWidth: 1280,
    codedHeight: 720,
    displayWidth: 1280,
    displayHeight: 720,
    rotationDegrees: 0,
    isMirrored: false,
    sampleAspectRatio: rational(1),
    frameRate: rational(25),
    isVariableFrameRate: false,
    isInterlaced: false,
    color: { range: 'limited', primaries: 'bt709', transfer: 'bt709', matrix: 'bt709' },
    timeBase: rational(1, 90_000),
    startTicks: 0,
    endTicks: 90_000 * 60,
    ...change,
  };
}

function sourceAudio(change: Partial<SourceAudio> = {}): SourceAudio {
  return {
    streamIndex: 1,
    codec: 'aac',
    channels: 2,
    sampleRate: 48_000,
    isDefault: true,
    timeBase: rational(1, 48_000),
    startTicks: 0,
    endTicks: 48_000 * 60,
    ...change,
  };
}

const size = fc.integer({ min: 1, max: 8192 });
const source: fc.Arbitrary<SourceInfo> = fc
  .record({
    width: size,
    height: size,
    frameRate: fc.constantFrom(...RATES),
    start: fc.integer({ min: -90_000 * 10, max: 90_000 * 3600 }),
    duration: fc.integer({ min: 18_000, max: 90_000 * 3600 * 3 }),
    audioLate: fc.integer({ min: -48_000 * 5, max: 48_000 * 5 }),
    audioDuration: fc.integer({ min: 9_600, max: 48_000 * 3600 * 3 }),
    kinds: fc.constantFrom('both', 'video', 'audio'),
    more: fc.array(
      fc.record({
        channels: fc.integer({ min: 1, max: 16 }),
        lateTicks: fc.integer({ min: 0, max: 48_000 * 5 }),
        shorterTicks: fc.integer({ min: 0, max: 4_800 }),
      }),
      { maxLength: 3 },
    ),
  })
  .map(({ width, height, frameRate, start, duration, audioLate, audioDuration, kinds, more }) => {
    const span = { startTicks: start, endTicks: start + duration };
    const audioStart = Math.round((start / 90_000) * 48_000) + audioLate;
    const video = sourceVideo({ displayWidth: width, displayHeight: height, frameRate, ...span });
    const audio = sourceAudio({ startTicks: audioStart, endTicks: audioStart + audioDuration });
    const others = more.map(({ channels, lateTicks, shorterTicks }) => {
      const startTicks = audioStart + lateTicks;
      return sourceAudio({ channels, startTicks, endTicks: startTicks + audioDuration - shorterTicks });
    });
    return {
      container: 'mov',
      bytes: 1,
      ...(kinds === 'audio' ? {} : { video }),
      audio: kinds === 'video' ? [] : [audio, ...others],
    };
  });

describe('the plan of any source', () => {
  test('segments tile each track from 0, whole frames each, none tiny unless it is the only one', () => {
    fc.assert(
      fc.property(source, (info) => {
        const { presentation, encodings } = planSource(info);
        for (const track of presentation.tracks) {
          const { grid } = encodings.get(track.id)!;
          let end = 0;
          for (const [index, segment] of track.segments.entries()) {
            assert.equal(segment.index, index);
            assert.equal(segment.startTicks, end);
            assert.ok(segment.durationTicks > 0 && segment.durationTicks % grid.frameTicks === 0);
            end += segment.durationTicks;
          }
          const shortest = Math.min(
            ...track.segments.map(({ durationTicks }) => durationTicks / track.timescale),
          );
          if (track.segments.length > 1) assert.ok(shortest > 0.97, `${shortest} s`);
        }
      }),
    );
  });

  test('every rung of a video has the same boundaries, and a frame in each lasts exactly 1/rate', () => {
    fc.assert(
      fc.property(source, (info) => {
        const { presentation, encodings } = planSource(info);
        const videos = presentation.tracks.filter(isVideo);
        for (const video of videos) {
          const { grid } = encodings.get(video.id)!;
          assert.deepEqual(video.segments, videos[0]!.segments);
          assert.equal(grid.timescale * video.frameRate.den, grid.frameTicks * video.frameRate.num);
        }
      }),
    );
  });

  test('sound is cut where the picture is, to within half an AAC frame', () => {
    fc.assert(
      fc.property(source, (info) => {
        const { tracks } = planSource(info).presentation;
        const [video] = tracks.filter(isVideo);
        const [audio] = tracks.filter(isAudio);
        if (video === undefined || audio === undefined) return;
        const count = Math.min(video.segments.length, audio.segments.length);
        for (let index = 0; index < count; index++) {
          const difference: number = startOf(video, index) - startOf(audio, index);
          assert.ok(
            Math.abs(difference) <= AAC_FRAME_SAMPLES / AUDIO_SAMPLE_RATE / 2 + 1e-9,
            String(difference),
          );
        }
      }),
    );
  });

  test('time 0 is the earliest start, or that of the picture where the sound is less than a frame earlier', () => {
    fc.assert(
      fc.property(source, (info) => {
        const spans = [...(info.video === undefined ? [] : [info.video]), ...info.audio];
        const starts = spans.map((span) => span.startTicks * toNumber(span.timeBase));
        const lead = toNumber(originOf(info)) - Math.min(...starts);
        const frame = info.video === undefined ? 0 : 1 / toNumber(info.video.frameRate);
        assert.ok(Math.abs(lead) < 1e-9 || (lead > 0 && lead < frame), `${lead} s are cut`);
      }),
    );
  });

  test('each track ends where its source does, or where all do if that is a second later, to within one frame', () => {
    fc.assert(
      fc.property(source, (info) => {
        const { presentation } = planSource(info);
        const origin = toNumber(originOf(info));
        for (const track of presentation.tracks) {
          const all = [...(info.video === undefined ? [] : [info.video]), ...info.audio];
          const frame = isVideo(track)
            ? 1 / toNumber(track.frameRate)
            : AAC_FRAME_SAMPLES / AUDIO_SAMPLE_RATE;
          const planned =
            startOf(track, track.segments.length - 1) +
            track.segments.at(-1)!.durationTicks / track.timescale;
          const own = lastEnd(isVideo(track) ? [info.video!] : info.audio) - origin;
          const last = lastEnd(all) - origin;
          const isOwn = last - own < 1 + frame && Math.abs(planned - own) <= frame * 1.01;
          const isLast = last - own > 1 - frame && Math.abs(planned - last) <= frame * 1.01;
          assert.ok(isOwn || isLast, `${planned} planned, ${own} real, ${last} the last of all`);
        }
      }),
    );
  });

  test('every sound is there in stereo, once by default, and in 5.1 where it has the channels', () => {
    fc.assert(
      fc.property(source, (info) => {
        const { presentation, encodings } = planSource(info);
        const audio = presentation.tracks.filter(isAudio);
        const stereo = audio.filter(({ channels }) => channels === 2);
        assert.deepEqual(
          stereo.map(({ id }) => id),
          info.audio.map((_, index) => `a${index + 1}`),
        );
        assert.deepEqual(audio.slice(0, stereo.length), stereo, 'stereo comes first');
        const surround = audio.filter(({ channels }) => channels === 6);
        assert.deepEqual(
          surround.map(({ id }) => id),
          info.audio.flatMap(({ channels }, index) => (channels >= 5 ? [`a${index + 1}s`] : [])),
        );
        assert.equal(stereo.length + surround.length, audio.length);
        assert.ok(
          audio.every(
            ({ id, soundId, isDefault }) => id.startsWith(soundId!) && isDefault === (soundId === 'a1'),
          ),
        );
        // One grid for all: changing over is safe anywhere, and a chunk is the same for each.
        for (const { id } of audio) assert.deepEqual(encodings.get(id)!.grid, encodings.get('a1')!.grid);
      }),
    );
  });

  test('track ids and the numbers inside the files are unique', () => {
    fc.assert(
      fc.property(source, (info) => {
        const encodings = [...planSource(info).encodings.values()];
        assert.equal(new Set(encodings.map(({ trackNumber }) => trackNumber)).size, encodings.length);
        assert.equal(
          new Set(planSource(info).presentation.tracks.map(({ id }) => id)).size,
          encodings.length,
        );
      }),
    );
  });
});

describe('the ladder', () => {
  test('goes down from the size of the source', () => {
    assert.deepEqual(names({ displayWidth: 1920, displayHeight: 1080 }), [
      '1080p',
      '720p',
      '480p',
      '360p',
      '240p',
    ]);
    assert.deepEqual(names({ displayWidth: 426, displayHeight: 240 }), ['240p']);
  });

  test('has the own size of the source on top where that is not one of the table', () => {
    assert.deepEqual(names({ displayWidth: 768, displayHeight: 432 }), ['432p', '360p', '240p']);
    assert.deepEqual(names({ displayWidth: 7680, displayHeight: 4320 })[0], '4320p');
  });

  test('goes by the short side of an upright picture', () => {
    const [top, ...rest] = ladderFor(sourceVideo({ displayWidth: 1080, displayHeight: 1920 }));
    assert.deepEqual([top!.name, top!.width, top!.height], ['1080p', 1080, 1920]);
    assert.deepEqual([rest.at(-1)!.width, rest.at(-1)!.height], [240, 426]);
  });

  test('never enlarges, keeps the shape, and has even sizes that an encoder takes', () => {
    fc.assert(
      fc.property(size, size, fc.constantFrom(...RATES), (displayWidth, displayHeight, frameRate) => {
        const rungs = ladderFor(sourceVideo({ displayWidth, displayHeight, frameRate }));
        assert.ok(rungs.length > 0);
        for (const [index, rung] of rungs.entries()) {
          assert.deepEqual([rung.width % 2, rung.height % 2], [0, 0]);
          assert.ok(rung.width >= 16 && rung.height >= 16);
          // What is thinner than encoders take is enlarged as a whole.
          const scale = Math.max(1, 16 / Math.min(displayWidth, displayHeight));
          assert.ok(rung.width <= displayWidth * scale + 1 && rung.height <= displayHeight * scale + 1);
          const isLarge = Math.min(displayWidth, displayHeight, rung.width, rung.height) > 100;
          const distortion = (rung.width / rung.height) * (displayHeight / displayWidth) - 1;
          if (isLarge) assert.ok(Math.abs(distortion) < 0.02, `${rung.width}x${rung.height}`);
          if (index > 0) assert.ok(rung.maxBitsPerSecond < rungs[index - 1]!.maxBitsPerSecond);
        }
      }),
    );
  });

  test('allows more bits above 30 frames a second', () => {
    const [slow] = ladderFor(sourceVideo({ frameRate: rational(30) }));
    const [fast] = ladderFor(sourceVideo({ frameRate: rational(60) }));
    assert.deepEqual([slow!.name, fast!.name], ['720p', '720p60']);
    assert.equal(fast!.maxBitsPerSecond, slow!.maxBitsPerSecond * 1.5);
  });
});

test('chunks are runs of segments from the grid, the last as long as what is left', () => {
  assert.deepEqual(chunkOf(0, 20), { first: 0, end: SEGMENTS_PER_CHUNK });
  assert.deepEqual(chunkOf(SEGMENTS_PER_CHUNK + 3, 20), {
    first: SEGMENTS_PER_CHUNK,
    end: 2 * SEGMENTS_PER_CHUNK,
  });
  assert.deepEqual(chunkOf(19, 20), { first: 16, end: 20 });
});

function names(change: Partial<SourceVideo>): readonly string[] {
  return ladderFor(sourceVideo(change)).map(({ name }) => name);
}

function lastEnd(spans: readonly SourceSpan[]): number {
  return Math.max(...spans.map((span) => span.endTicks * toNumber(span.timeBase)));
}

function startOf(track: Track, index: number): number {
  return track.segments[index]!.startTicks / track.timescale;
}
