/** Looks into the media of a package for what its manifests leave unsaid. What cannot be read stays unsaid. */
import { type ParsedInitTrack, parseInitSegment } from '../containers/isobmff/parse-init-segment.ts';
import { parseMediaSegment } from '../containers/isobmff/parse-media-segment.ts';
import { isAppError } from '../errors.ts';
import type { Rational } from '../media/time.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { frameRateFromCount, UNKNOWN_FRAME_RATE } from './frame-rates.ts';
import { readRange } from './manifest-text.ts';
import type { DraftBytes, DraftCaption, DraftTrack } from './package-draft.ts';
import { describeTransportStream } from './transport-stream.ts';

const MAX_INIT_BYTES = 1024 * 1024;
const MAX_SEGMENT_BYTES = 16 * 1024 * 1024;

/** The track with its codecs, size, rates and channels filled in where they were missing (0 or empty). */
export async function fillIn(
  store: ObjectStore,
  draft: DraftTrack,
  signal: AbortSignal,
): Promise<DraftTrack> {
  const init = await readInit(store, draft, signal);
  const track = init === undefined ? draft.track : withInit(draft.track, init);
  if (track.kind !== 'video' || isComplete(track)) return { ...draft, track };
  const facts = await lookIntoSegment(store, draft, init, signal);
  return { ...draft, track: facts === undefined ? track : withFacts(track, facts) };
}

/** Whether a text is WebVTT: in MP4, only its init segment says so. */
export async function isWebvtt(
  store: ObjectStore,
  { container, init }: DraftCaption,
  signal: AbortSignal,
): Promise<boolean> {
  if (container === 'webvtt' || init === undefined) return container === 'webvtt';
  const tracks = await orUndefined(async () =>
    parseInitSegment(await readRange(store, init.key, limit(init, MAX_INIT_BYTES), signal)),
  );
  return tracks?.some(({ codecs }) => codecs === 'wvtt') ?? false;
}

type VideoFacts = {
  readonly frameRate: Rational;
  readonly codecs: string;
  readonly width: number;
  readonly height: number;
};

function isComplete({ codecs, width, height, frameRate }: VideoFacts): boolean {
  return codecs !== '' && width > 0 && height > 0 && frameRate.num > 0;
}

function withFacts(track: DraftTrack['track'] & { kind: 'video' }, facts: VideoFacts): DraftTrack['track'] {
  const isSized = track.width > 0 && track.height > 0;
  return {
    ...track,
    codecs: track.codecs || facts.codecs,
    width: isSized ? track.width : facts.width,
    height: isSized ? track.height : facts.height,
    frameRate: track.frameRate.num > 0 ? track.frameRate : facts.frameRate,
  };
}

function withInit(track: DraftTrack['track'], init: ParsedInitTrack): DraftTrack['track'] {
  const codecs = track.codecs === '' ? init.codecs : track.codecs;
  if (track.kind === 'video') {
    return {
      ...track,
      codecs,
      width: track.width || (init.width ?? 0),
      height: track.height || (init.height ?? 0),
    };
  }
  return {
    ...track,
    codecs,
    channels: track.channels || (init.channels ?? 0),
    sampleRate: track.sampleRate || (init.sampleRate ?? 0),
  };
}

async function readInit(
  store: ObjectStore,
  { container, init, track }: DraftTrack,
  signal: AbortSignal,
): Promise<ParsedInitTrack | undefined> {
  if (container !== 'fmp4' || init === undefined) return undefined;
  return orUndefined(async () => {
    const bytes = await readRange(store, init.key, limit(init, MAX_INIT_BYTES), signal);
    return parseInitSegment(bytes).find(({ kind }) => kind === track.kind);
  });
}

async function lookIntoSegment(
  store: ObjectStore,
  { container, segments, track }: DraftTrack,
  init: ParsedInitTrack | undefined,
  signal: AbortSignal,
): Promise<VideoFacts | undefined> {
  const first = segments[0];
  if (first === undefined || (container !== 'fmp4' && container !== 'mpegts')) return undefined;
  return orUndefined(async () => {
    const bytes = await readRange(store, first.key, limit(first, MAX_SEGMENT_BYTES), signal);
    if (container === 'mpegts') {
      const facts = describeTransportStream(bytes);
      return {
        ...facts,
        frameRate: frameRateFromCount(facts.pictures, first.durationTicks / track.timescale),
      };
    }
    const frameRate = init === undefined ? UNKNOWN_FRAME_RATE : rateOfFragment(bytes, init);
    return { frameRate, codecs: '', width: 0, height: 0 };
  });
}

function rateOfFragment(bytes: Uint8Array, init: ParsedInitTrack): Rational {
  const samples =
    parseMediaSegment(bytes, new Map([[init.trackId, init.defaults]])).find(
      ({ trackId }) => trackId === init.trackId,
    )?.samples ?? [];
  const ticks = samples.reduce((sum, { durationTicks }) => sum + durationTicks, 0);
  return frameRateFromCount(samples.length, ticks / init.timescale);
}

function limit({ range }: DraftBytes, bytes: number): { readonly start: number; readonly end: number } {
  const start = range?.start ?? 0;
  return { start, end: Math.min(range?.end ?? Infinity, start + bytes - 1) };
}

/** Damage is not this function's to judge: players get the bytes as they are. */
async function orUndefined<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isAppError(error, 'source_damaged') || isAppError(error, 'range_not_satisfiable')) return undefined;
    throw error;
  }
}
