/**
 * The plan: from what inspection found, everything that will ever be played, before anything is encoded.
 * A pure function, so every server and worker that knows the source knows the same plan.
 */
import { AAC_LC_CODECS, avcCodecString } from './codecs.ts';
import {
  AAC_FRAME_SAMPLES,
  AUDIO_SAMPLE_RATE,
  audioGrid,
  framesPerSegment,
  segmentsOf,
  type TrackGrid,
  videoGrid,
} from './grid.ts';
import { languageName } from './language.ts';
import { ladderFor, peakBitsPerSecond, type Rung, trickPlayBitsPerSecond } from './ladder.ts';
import type { AudioTrack, Presentation, VideoTrack } from './presentation.ts';
import type { SourceAudio, SourceInfo, SourceSpan, SourceVideo } from './source.ts';
import { compare, multiply, type Rational, rational, roundRational, subtract, toNumber } from './time.ts';

/**
 * Part of every revision: raise it when the same source would be cut or encoded differently, so that segments
 * stored by an older Sluice are not mixed with new ones.
 */
export const PLAN_VERSION = 11;

export type Plan = {
  readonly presentation: Presentation;
  /** How to make each track of the presentation, by track id. */
  readonly encodings: ReadonlyMap<string, TrackEncoding>;
};

/** How one track is made from the source. */
export type TrackEncoding = VideoEncoding | AudioEncoding;

export type VideoEncoding = {
  readonly kind: 'video';
  readonly trackId: string;
  /** track_ID in the files: differs between tracks, so that they can be interleaved unchanged. */
  readonly trackNumber: number;
  readonly grid: TrackGrid;
  readonly frameRate: Rational;
  /** Output frame that the source's first frame becomes: the gap before it is filled with that frame. */
  readonly firstSourceFrame: number;
  readonly rung: Rung;
  /**
   * Frames by which decoding runs ahead of presentation: 1 with B-frames, 0 without. hls.js ignores edit lists
   * and so believes pictures to lie this much later than they do; it bears 50 ms (docs/decisions/011).
   */
  readonly reorderFrames: 0 | 1;
};

export type AudioEncoding = {
  readonly kind: 'audio';
  readonly trackId: string;
  readonly trackNumber: number;
  readonly grid: TrackGrid;
  /** Which of `SourceInfo.audio`. */
  readonly sourceAudioIndex: number;
  /** Output sample at which the source's sound begins: silence before it. */
  readonly firstSourceSample: number;
  readonly layout: AudioLayout;
  readonly bitsPerSecond: number;
};

/** How sound is put out: everything as stereo, and what has surround as 5.1 too (docs/decisions/080). */
export type AudioLayout = 'stereo' | '5.1';

/** One frame of this rate lasts 50 ms. */
const LEAST_REORDERED_RATE = 20;

type LayoutRow = {
  readonly layout: AudioLayout;
  /** What follows the source track's number in the track's id. */
  readonly idSuffix: string;
  readonly channels: number;
  readonly bitsPerSecond: number;
  /** Sources with fewer channels are not offered in this layout: nothing would be won. */
  readonly leastSourceChannels: number;
};

/** In order of preference: everything can play stereo. */
const LAYOUTS: readonly LayoutRow[] = [
  { layout: 'stereo', idSuffix: '', channels: 2, bitsPerSecond: 128_000, leastSourceChannels: 1 },
  { layout: '5.1', idSuffix: 's', channels: 6, bitsPerSecond: 384_000, leastSourceChannels: 5 },
];

/** AAC frames vary around the rate asked for; the encoder's reservoir evens it out over a segment. */
const AUDIO_PEAK_FACTOR = 1.25;
const MAX_SEGMENT_SECONDS: Rational = { num: 4, den: 1 };
const AAC_FRAME_RATE: Rational = rational(AUDIO_SAMPLE_RATE, AAC_FRAME_SAMPLES);

/**
 * Tracks that end so much before the longest go on to its end, with their last picture or with silence. Players stop
 * where one of the tracks has no more, or cannot seek behind it (docs/decisions/130).
 */
const SHORTEST_SHORTFALL_SECONDS = 1;

/** How many channels a layout has. */
export function channelsOf(layout: AudioLayout): number {
  return LAYOUTS.find((row) => row.layout === layout)!.channels;
}

/** Plans a source. Throws nothing: a source with no track at all never gets past inspection. */
export function planSource(source: SourceInfo): Plan {
  const origin = originOf(source);
  const end = endOf(source, origin);
  const encodings: TrackEncoding[] = [];
  const videos = source.video === undefined ? [] : planVideo(source.video, origin, end);
  encodings.push(...videos.map((planned) => planned.encoding));
  const segmentSeconds =
    source.video === undefined ? MAX_SEGMENT_SECONDS : segmentDuration(source.video.frameRate);
  const audios = planAudio(source.audio, { origin, end, segmentSeconds }, encodings.length + 1);
  encodings.push(...audios.map((planned) => planned.encoding));
  return {
    presentation: {
      tracks: [...videos.map((planned) => planned.track), ...audios.map((planned) => planned.track)],
    },
    encodings: new Map(encodings.map((encoding) => [encoding.trackId, encoding])),
  };
}

/**
 * Presentation time 0 in the source's time, in seconds: the start of its earliest kept track. But sound that begins
 * less than a frame before the picture, as what encoders put in front does, is cut, not the picture delayed by a
 * fraction of a frame (docs/decisions/096).
 */
export function originOf(source: SourceInfo): Rational {
  const starts = keptTracks(source).map((span) => secondsAt(span.startTicks, span.timeBase));
  const earliest = starts.reduce(
    (least, start) => (compare(start, least) < 0 ? start : least),
    starts[0] ?? rational(0),
  );
  if (source.video === undefined) return earliest;
  const picture = secondsAt(source.video.startTicks, source.video.timeBase);
  const lead = multiply(subtract(picture, earliest), source.video.frameRate);
  return compare(lead, rational(1)) < 0 ? picture : earliest;
}

function keptTracks({ video, audio }: SourceInfo): readonly SourceSpan[] {
  return [...(video === undefined ? [] : [video]), ...audio];
}

/** Presentation time at which the last of the kept tracks ends, in seconds. */
function endOf(source: SourceInfo, origin: Rational): Rational {
  const ends = keptTracks(source).map((span) => subtract(secondsAt(span.endTicks, span.timeBase), origin));
  return ends.reduce((latest, end) => (compare(end, latest) > 0 ? end : latest), rational(0));
}

/**
 * The frames of a track that has `frames` of its own: as many as last to `end`, where it would fall short of that by
 * more than players bear.
 */
function framesUntil(end: Rational, frames: number, frameRate: Rational): number {
  const all = roundRational(multiply(end, frameRate));
  return all - frames >= SHORTEST_SHORTFALL_SECONDS * toNumber(frameRate) ? all : frames;
}

function planVideo(
  video: SourceVideo,
  origin: Rational,
  end: Rational,
): { track: VideoTrack; encoding: VideoEncoding }[] {
  const firstSourceFrame = frameAt(secondsAt(video.startTicks, video.timeBase), origin, video.frameRate);
  const sourceFrames = roundRational(
    multiply(secondsAt(video.endTicks - video.startTicks, video.timeBase), video.frameRate),
  );
  const ownFrames = firstSourceFrame + Math.max(1, sourceFrames);
  const grid = videoGrid(video.frameRate, framesUntil(end, ownFrames, video.frameRate));
  const segments = segmentsOf(grid);
  const reorderFrames = canReorder(video.frameRate, grid.boundaries.at(-1)!) ? 1 : 0;
  const segmentSeconds = (grid.frameTicks * framesPerSegment(video.frameRate)) / grid.timescale;
  return ladderFor(video).map((rung, index, rungs) => {
    // Of the lowest rung alone: moving through a video that is not encoded yet costs least there.
    const isForTrickPlay = index === rungs.length - 1;
    const trackId = `v${rung.name}`;
    return {
      encoding: {
        kind: 'video',
        trackId,
        trackNumber: index + 1,
        grid,
        frameRate: video.frameRate,
        firstSourceFrame,
        rung,
        reorderFrames,
      },
      track: {
        kind: 'video',
        id: trackId,
        label: rung.name,
        codecs: avcCodecString({ profile: 'high', level: rung.level }),
        timescale: grid.timescale,
        bitrate: {
          peakBitsPerSecond: peakBitsPerSecond(rung, video.frameRate, segmentSeconds),
          averageBitsPerSecond: rung.averageBitsPerSecond,
        },
        segments,
        width: rung.width,
        height: rung.height,
        frameRate: video.frameRate,
        ...(isForTrickPlay
          ? { trickPlay: { peakBitsPerSecond: trickPlayBitsPerSecond(rung, segmentSeconds) } }
          : {}),
      },
    };
  });
}

/** Whether one frame is within hls.js's tolerance, and the video long enough for it not to matter at the end. */
function canReorder(frameRate: Rational, frameCount: number): boolean {
  return toNumber(frameRate) >= LEAST_REORDERED_RATE && frameCount >= toNumber(frameRate);
}

type PlannedAudio = { readonly track: AudioTrack; readonly encoding: AudioEncoding };

type Extent = { readonly origin: Rational; readonly end: Rational; readonly segmentSeconds: Rational };

/** All on one grid, to the end of the longest: where one is shorter, silence follows, and changing over is safe. */
function planAudio(
  sources: readonly SourceAudio[],
  { origin, end, segmentSeconds }: Extent,
  firstTrackNumber: number,
): PlannedAudio[] {
  const sampleAt = (audio: SourceAudio, ticks: number): number =>
    frameAt(secondsAt(ticks, audio.timeBase), origin, rational(AUDIO_SAMPLE_RATE));
  const endSample = Math.max(...sources.map((audio) => sampleAt(audio, audio.endTicks)));
  const ownFrames = Math.max(1, Math.round(endSample / AAC_FRAME_SAMPLES));
  const grid = audioGrid(segmentSeconds, framesUntil(end, ownFrames, AAC_FRAME_RATE));
  const names = audioNames(sources);
  return LAYOUTS.flatMap((row) =>
    sources.flatMap((audio, sourceAudioIndex) =>
      audio.channels < row.leastSourceChannels ? [] : [{ row, audio, sourceAudioIndex }],
    ),
  ).map(({ row, audio, sourceAudioIndex }, index) => {
    const soundId = `a${sourceAudioIndex + 1}`;
    const encoding: AudioEncoding = {
      kind: 'audio',
      trackId: `${soundId}${row.idSuffix}`,
      trackNumber: firstTrackNumber + index,
      grid,
      sourceAudioIndex,
      firstSourceSample: sampleAt(audio, audio.startTicks),
      layout: row.layout,
      bitsPerSecond: row.bitsPerSecond,
    };
    const name = names[sourceAudioIndex]!;
    const label = row.layout === 'stereo' ? name : `${name} ${row.layout}`;
    return { encoding, track: audioTrack(audio, encoding, row, { soundId, label }) };
  });
}

function audioTrack(
  { language, title, role }: SourceAudio,
  { trackId, grid, sourceAudioIndex }: AudioEncoding,
  { channels, bitsPerSecond }: LayoutRow,
  name: { readonly soundId: string; readonly label: string },
): AudioTrack {
  return {
    kind: 'audio',
    id: trackId,
    ...name,
    codecs: AAC_LC_CODECS,
    timescale: grid.timescale,
    bitrate: {
      peakBitsPerSecond: Math.ceil(bitsPerSecond * AUDIO_PEAK_FACTOR),
      averageBitsPerSecond: bitsPerSecond,
    },
    segments: segmentsOf(grid),
    channels,
    sampleRate: AUDIO_SAMPLE_RATE,
    ...(language === undefined ? {} : { language }),
    ...(title === undefined ? {} : { title }),
    // Many files call every track of theirs default; exactly one is.
    isDefault: sourceAudioIndex === 0,
    ...(role === undefined ? {} : { role }),
  };
}

/** What people choose by: the title, the language, or which of several it is. */
function audioNames(sources: readonly SourceAudio[]): readonly string[] {
  return sources.map(({ title, language, role }, index) => {
    const nameless = sources.length === 1 ? 'Sound' : `Sound ${index + 1}`;
    const name = language === undefined ? nameless : languageName(language);
    return title ?? (role === undefined ? name : `${name} (${role})`);
  });
}

function secondsAt(ticks: number, timeBase: Rational): Rational {
  return multiply(rational(ticks), timeBase);
}

/** The number of the output frame (or sample) nearest to `seconds` of source time. */
function frameAt(seconds: Rational, origin: Rational, rate: Rational): number {
  return roundRational(multiply(subtract(seconds, origin), rate));
}

function segmentDuration(frameRate: Rational): Rational {
  return multiply(rational(framesPerSegment(frameRate)), { num: frameRate.den, den: frameRate.num });
}
