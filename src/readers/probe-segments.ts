/** Looks into the media of a package for what its manifests leave unsaid. What cannot be read stays unsaid. */
import { type ParsedInitTrack, parseInitSegment } from '../containers/isobmff/parse-init-segment.ts';
import { parseMediaSegment } from '../containers/isobmff/parse-media-segment.ts';
import { isAppError } from '../errors.ts';
import type { Rational } from '../media/time.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { frameRateFromCount, UNKNOWN_FRAME_RATE } from './frame-rates.ts';
import { readRange } from './manifest-text.ts';
import type { DraftBytes, DraftTrack } from './package-draft.ts';

const MAX_INIT_BYTES = 1024 * 1024;
const MAX_SEGMENT_BYTES = 16 * 1024 * 1024;

/** The track with its codecs, size, rates and channels filled in where they were missing (0 or empty). */
export async function fillIn(
  store: ObjectStore,
  draft: DraftTrack,
  signal: AbortSignal,
): Promise<DraftTrack> {
  const init = await readInit(store, draft, signal);
  const described = init === undefined ? draft : { ...draft, track: withInit(draft.track, init) };
  if (described.track.kind !== 'video' || described.track.frameRate.num > 0) return described;
  const frameRate = await measureFrameRate(store, draft, init, signal);
  return { ...described, track: { ...described.track, frameRate } };
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

async function measureFrameRate(
  store: ObjectStore,
  { container, segments, track }: DraftTrack,
  init: ParsedInitTrack | undefined,
  signal: AbortSignal,
): Promise<Rational> {
  const first = segments[0];
  if (first === undefined || (container !== 'fmp4' && container !== 'mpegts')) return UNKNOWN_FRAME_RATE;
  const measured = await orUndefined(async () => {
    const bytes = await readRange(store, first.key, limit(first, MAX_SEGMENT_BYTES), signal);
    if (container === 'mpegts')
      return frameRateFromCount(countPictures(bytes), first.durationTicks / track.timescale);
    return init === undefined ? undefined : rateOfFragment(bytes, init);
  });
  return measured ?? UNKNOWN_FRAME_RATE;
}

function rateOfFragment(bytes: Uint8Array, init: ParsedInitTrack): Rational {
  const samples =
    parseMediaSegment(bytes, new Map([[init.trackId, init.defaults]])).find(
      ({ trackId }) => trackId === init.trackId,
    )?.samples ?? [];
  const ticks = samples.reduce((sum, { durationTicks }) => sum + durationTicks, 0);
  return frameRateFromCount(samples.length, ticks / init.timescale);
}

const PACKET_BYTES = 188;

/** Video PES packets that begin in a transport stream: one for each picture (ISO/IEC 13818-1 2.4.3.2, 2.4.3.6). */
function countPictures(bytes: Uint8Array): number {
  let pictures = 0;
  for (let at = 0; at + PACKET_BYTES <= bytes.length && bytes[at] === 0x47; at += PACKET_BYTES) {
    const startsUnit = ((bytes[at + 1] ?? 0) & 0x40) !== 0;
    const control = bytes[at + 3] ?? 0;
    const payload = at + 4 + ((control & 0x20) === 0 ? 0 : 1 + (bytes[at + 4] ?? 0));
    const isStartCode = bytes[payload] === 0 && bytes[payload + 1] === 0 && bytes[payload + 2] === 1;
    if (startsUnit && isStartCode && ((bytes[payload + 3] ?? 0) & 0xf0) === 0xe0) pictures += 1;
  }
  return pictures;
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
