/** Presentations for tests of formats: ordinary ones, and any that fast-check can think of. */
import * as fc from '../fast-check.ts';
import type { CaptionTrack } from '../../src/media/captions.ts';
import type { AudioTrack, Presentation, Segment, Track, VideoTrack } from '../../src/media/presentation.ts';
import { type Rational, rational } from '../../src/media/time.ts';

/** `durations` in frames; they tile the track. */
export function segmentsOf(durations: readonly number[], ticksPerFrame: number): readonly Segment[] {
  let startTicks = 0;
  return durations.map((frames, index) => {
    const segment = { index, startTicks, durationTicks: frames * ticksPerFrame };
    startTicks += segment.durationTicks;
    return segment;
  });
}

export function videoTrack(
  height: number,
  width: number,
  peakBitsPerSecond: number,
  frameRate: Rational,
  frames: readonly number[],
): VideoTrack {
  return {
    kind: 'video',
    id: `v${height}`,
    label: `${height}p`,
    codecs: 'avc1.64001f',
    timescale: frameRate.num,
    bitrate: { peakBitsPerSecond, averageBitsPerSecond: Math.round(peakBitsPerSecond / 2) },
    segments: segmentsOf(frames, frameRate.den),
    width,
    height,
    frameRate,
  };
}

export function audioTrack(
  id: string,
  frames: readonly number[],
  about: Partial<AudioTrack> = {},
): AudioTrack {
  return {
    kind: 'audio',
    id,
    label: 'Stereo',
    codecs: 'mp4a.40.2',
    timescale: 48_000,
    bitrate: { peakBitsPerSecond: 160_000, averageBitsPerSecond: 128_000 },
    segments: segmentsOf(frames, 1024),
    channels: 2,
    sampleRate: 48_000,
    isDefault: false,
    ...about,
  };
}

export function captionTrack(id: string, about: Partial<Omit<CaptionTrack, 'id'>> = {}): CaptionTrack {
  return {
    id,
    language: 'en',
    label: 'English',
    kind: 'subtitles',
    isDefault: false,
    isForced: false,
    ...about,
  };
}

const FILM = rational(24_000, 1001);
const FILM_SEGMENTS = [96, 96, 96, 30];

/** A film at 24000/1001 frames a second: 13.26 s in three qualities with sound. */
export const film: Presentation = {
  tracks: [
    videoTrack(720, 1280, 3_675_000, FILM, FILM_SEGMENTS),
    videoTrack(480, 854, 1_837_000, FILM, FILM_SEGMENTS),
    { ...videoTrack(240, 426, 551_000, FILM, FILM_SEGMENTS), trickPlay: { peakBitsPerSecond: 101_500 } },
    audioTrack('a1', [188, 187, 188, 59], { language: 'en', isDefault: true }),
  ],
};

const anyText = fc.oneof(
  fc.constantFrom('English', 'Director"s\n#EXT-X-ENDLIST', '<S t="0"/> & ]]>', '\ud800', '\0\u0007', ''),
  fc.string({ unit: 'binary', maxLength: 20 }),
);

const anyFrameRate = fc.constantFrom(FILM, rational(24), rational(25), rational(30_000, 1001), rational(60));

const anyVideoTracks = fc
  .record({
    frameRate: anyFrameRate,
    // Every quality is cut in the same places.
    frames: fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 40 }),
    heights: fc.uniqueArray(fc.integer({ min: 1, max: 2160 }), { maxLength: 4 }),
    peak: fc.integer({ min: 1000, max: 20_000_000 }),
    trickTracks: fc.integer({ min: 0, max: 2 }),
  })
  .map(({ frameRate, frames, heights, peak, trickTracks }) =>
    heights.map((height, i) => ({
      ...videoTrack(height * 2, height * 4, Math.ceil(peak / (i + 1)), frameRate, frames),
      ...(i + trickTracks >= heights.length ? { trickPlay: { peakBitsPerSecond: peak } } : {}),
    })),
  );

/** Sounds in stereo or anything else, then some of them in surround too. */
const anyAudioTracks = fc
  .array(
    fc.record({
      frames: fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 40 }),
      about: fc.record(
        {
          language: fc.constantFrom('en', 'pt-BR', 'und'),
          title: anyText,
          isDefault: fc.boolean(),
          channels: fc.integer({ min: 1, max: 10 }),
          role: fc.constantFrom('commentary', 'description'),
        },
        { requiredKeys: ['isDefault', 'channels'] },
      ),
      hasSurround: fc.boolean(),
    }),
    { maxLength: 4 },
  )
  .map((sounds) => [
    ...sounds.map(({ frames, about, hasSurround }, i) =>
      audioTrack(`a${i + 1}`, frames, {
        ...about,
        ...(hasSurround ? { channels: 2, soundId: `a${i + 1}` } : {}),
      }),
    ),
    ...sounds.flatMap(({ frames, about, hasSurround }, i) => {
      if (!hasSurround) return [];
      const bitrate = { peakBitsPerSecond: 480_000, averageBitsPerSecond: 384_000 };
      return [audioTrack(`a${i + 1}s`, frames, { ...about, bitrate, channels: 6, soundId: `a${i + 1}` })];
    }),
  ]);

/** At least one track; hostile titles; several defaults or none. */
export const anyPresentation: fc.Arbitrary<Presentation> = fc
  .tuple(anyVideoTracks, anyAudioTracks)
  .map(([video, audio]): readonly Track[] => [...video, ...audio])
  .filter((tracks) => tracks.length > 0)
  .map((tracks) => ({ tracks }));
