/** A ready-made DASH package: an MPD with all it names. */
import { parseSidx, type SegmentIndex } from '../containers/isobmff/parse-sidx.ts';
import { AppError, isAppError } from '../errors.ts';
import type { PackagedTrack } from '../media/package.ts';
import type { ObjectKey } from '../storage/object-key.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { captionOf, soundOf } from './dash/descriptions.ts';
import {
  type ParsedAdaptationSet,
  type ParsedPeriod,
  type ParsedRepresentation,
  parseMpd,
} from './dash/parse-mpd.ts';
import type { LocatedBytes, SegmentInformation } from './dash/segment-information.ts';
import { packagedContainer } from './file-types.ts';
import { readManifestText, readRange } from './manifest-text.ts';
import type { DraftBytes, DraftCaption, DraftSegment, DraftTrack, PackageDraft } from './package-draft.ts';
import { keyAt, locationOf, quote } from './reference.ts';
import { type ListedSound, SoundKeys } from './sounds.ts';

/** An index of ten hours in one-second segments is half of that. */
const MAX_INDEX_BYTES = 1024 * 1024;

/**
 * Reads the package that begins at `entry`. Each Representation with picture or sound is a track; thumbnails are
 * files only. Periods after the first go on in the Representations at the same places.
 * Throws `package_invalid`, and whatever the store throws.
 */
export async function readDashPackage(
  store: ObjectStore,
  entry: ObjectKey,
  signal: AbortSignal,
): Promise<PackageDraft> {
  const periods = parseMpd(await readManifestText(store, entry, signal), locationOf(entry));
  const files = new Set([entry, ...filesOf(periods)]);
  const tracks: DraftTrack[] = [];
  for (const { first, parts } of joinPeriods(periods)) {
    const media: Media[] = [];
    for (const { representation, seconds } of parts)
      media.push(await readMedia(store, representation, seconds, signal));
    tracks.push(trackOf(first, media));
  }
  const captions = await readCaptions(store, periods, signal);
  return { format: 'dash', entry, files, tracks: withDefaultAudio(tracks), captions };
}

/** Of a lone Period: texts of several are not joined. The first Representation of each AdaptationSet. */
async function readCaptions(
  store: ObjectStore,
  periods: readonly ParsedPeriod[],
  signal: AbortSignal,
): Promise<readonly DraftCaption[]> {
  const [period] = periods;
  if (period === undefined || periods.length > 1) return [];
  const captions: DraftCaption[] = [];
  for (const { kind, representations } of period.adaptationSets) {
    const [of] = representations;
    if (kind !== 'text' || of === undefined) continue;
    const { container, timescale, originTicks, init, segments } = await readMedia(
      store,
      of,
      period.seconds,
      signal,
    );
    if (container !== 'webvtt' && container !== 'fmp4') continue;
    captions.push({
      ...captionOf(of),
      container,
      segments,
      ...(init === undefined ? {} : { init }),
      manifestOriginSeconds: originTicks / timescale,
    });
  }
  return captions;
}

/** Where no role says which sound is the main one, it is the first. */
function withDefaultAudio(tracks: readonly DraftTrack[]): readonly DraftTrack[] {
  if (tracks.some(({ track }) => track.kind === 'audio' && track.isDefault)) return tracks;
  const first = tracks.find(({ track }) => track.kind === 'audio')?.sound?.key;
  return tracks.map((one) =>
    one.track.kind === 'audio' && one.sound?.key === first
      ? { ...one, track: { ...one.track, isDefault: true } }
      : one,
  );
}

/** Every file that the Representations of an MPD name. */
export function filesOf(periods: readonly ParsedPeriod[]): ObjectKey[] {
  const keys = new Set<ObjectKey>();
  for (const { adaptationSets } of periods) {
    for (const { media } of adaptationSets.flatMap(({ representations }) => representations)) {
      if (media.init !== undefined) keys.add(keyAt(media.init.location));
      if (media.kind === 'single') keys.add(keyAt(media.file));
      else for (const { location } of media.segments) keys.add(keyAt(location));
    }
  }
  return [...keys];
}

type Part = { readonly representation: ParsedRepresentation; readonly seconds: number | undefined };
type Joined = {
  readonly first: {
    readonly kind: 'video' | 'audio';
    readonly of: ParsedRepresentation;
    /** Of sound. */
    readonly sound?: ListedSound;
  };
  readonly parts: Part[];
};

function joinPeriods(periods: readonly ParsedPeriod[]): Joined[] {
  const [firstPeriod] = periods;
  const keys = new SoundKeys();
  return (firstPeriod?.adaptationSets ?? []).flatMap((set, setIndex) => {
    const { kind } = set;
    if (kind !== 'video' && kind !== 'audio') return [];
    const sound = kind === 'audio' ? soundOf(set, keys) : undefined;
    return set.representations.map((of, i) => ({
      first: { kind, of, ...(sound === undefined ? {} : { sound }) },
      parts: partsAt(periods, kind, setIndex, i),
    }));
  });
}

function partsAt(
  periods: readonly ParsedPeriod[],
  kind: ParsedAdaptationSet['kind'],
  setIndex: number,
  i: number,
): Part[] {
  return periods.flatMap(({ adaptationSets, seconds }) => {
    const sameplace = adaptationSets[setIndex];
    const set = sameplace?.kind === kind ? sameplace : adaptationSets.find((one) => one.kind === kind);
    const representation = set?.representations[i] ?? set?.representations.at(-1);
    return representation === undefined ? [] : [{ representation, seconds }];
  });
}

type Media = {
  readonly container: PackagedTrack['container'];
  readonly timescale: number;
  /** In ticks of `timescale`. */
  readonly originTicks: number;
  readonly init?: DraftBytes;
  readonly segments: readonly DraftSegment[];
};

async function readMedia(
  store: ObjectStore,
  { media, mimeType, isEncrypted }: ParsedRepresentation,
  seconds: number | undefined,
  signal: AbortSignal,
): Promise<Media> {
  const found =
    media.kind === 'listed'
      ? listedMedia(media, mimeType)
      : await singleFile(store, media, mimeType, seconds, signal);
  return isEncrypted ? { ...found, container: 'other' } : found;
}

function listedMedia(media: SegmentInformation & { kind: 'listed' }, mimeType: string): Media {
  const [first] = media.segments;
  if (first === undefined)
    throw new AppError('package_invalid', 'the MPD has a Representation without segments');
  return {
    container: containerOf(mimeType, keyAt(first.location), media.init !== undefined),
    timescale: media.timescale,
    originTicks: media.presentationTimeOffset,
    segments: media.segments.map((segment) => ({
      ...draftBytes(segment),
      durationTicks: segment.durationTicks,
      isOptional: segment.isOptional,
    })),
    ...(media.init === undefined ? {} : { init: draftBytes(media.init) }),
  };
}

/** The on-demand profile (8.3): an index inside the file says where its segments lie. */
async function singleFile(
  store: ObjectStore,
  { file, init, indexRange, timescale, presentationTimeOffset }: SegmentInformation & { kind: 'single' },
  mimeType: string,
  seconds: number | undefined,
  signal: AbortSignal,
): Promise<Media> {
  const key = keyAt(file);
  const index = indexRange === undefined ? undefined : await readIndex(store, key, indexRange, signal);
  if (indexRange === undefined || index === undefined) {
    const container = mimeType === 'text/vtt' ? 'webvtt' : 'other';
    return { ...wholeFile(key, seconds), container };
  }
  return {
    container: containerOf(mimeType, key, true),
    timescale: index.timescale,
    originTicks: Math.round((presentationTimeOffset / timescale) * index.timescale),
    // 5.3.9.2: without an Initialization, what lies before the index.
    init: init === undefined ? { key, range: { start: 0, end: indexRange.start - 1 } } : draftBytes(init),
    segments: index.references.map(({ offset, bytes, durationTicks }) => ({
      key,
      durationTicks: Math.max(1, durationTicks),
      range: { start: indexRange.start + offset, end: indexRange.start + offset + bytes - 1 },
    })),
  };
}

/** Undefined for an index of another kind (WebM's cues, an index of indexes): players can still use it. */
async function readIndex(
  store: ObjectStore,
  key: ObjectKey,
  range: { readonly start: number; readonly end: number },
  signal: AbortSignal,
): Promise<SegmentIndex | undefined> {
  if (range.start === 0 || range.end - range.start >= MAX_INDEX_BYTES) return undefined;
  try {
    const index = parseSidx(await readRange(store, key, range, signal));
    const isUsable = index?.references.every(({ isIndex, bytes }) => !isIndex && bytes > 0) ?? false;
    return isUsable && index !== undefined && index.references.length > 0 ? index : undefined;
  } catch (error) {
    if (isAppError(error, 'source_damaged')) return undefined;
    if (!isAppError(error, 'object_not_found') && !isAppError(error, 'range_not_satisfiable')) throw error;
    const lack = isAppError(error, 'object_not_found')
      ? `the package lacks the file ${quote(key)}`
      : undefined;
    throw new AppError(
      'package_invalid',
      lack ?? `the file ${quote(key)} is shorter than its manifest says`,
      {
        cause: error,
      },
    );
  }
}

const WHOLE_FILE_TIMESCALE = 1_000_000;

function wholeFile(key: ObjectKey, seconds: number | undefined): Omit<Media, 'container'> {
  const durationTicks = Math.max(1, Math.round((seconds ?? 0) * WHOLE_FILE_TIMESCALE));
  const segments = [{ key, durationTicks }];
  return { timescale: WHOLE_FILE_TIMESCALE, originTicks: 0, segments };
}

function draftBytes({ location, range }: LocatedBytes): DraftBytes {
  return { key: keyAt(location), ...(range === undefined ? {} : { range }) };
}

function containerOf(mimeType: string, key: ObjectKey, hasInit: boolean): PackagedTrack['container'] {
  if (mimeType === 'text/vtt') return 'webvtt';
  if (mimeType === 'video/mp2t') return 'mpegts';
  if (mimeType.endsWith('/webm')) return 'webm';
  const isMp4 = mimeType.endsWith('/mp4') || (mimeType === '' && packagedContainer(key) === 'fmp4');
  return isMp4 && hasInit ? 'fmp4' : 'other';
}

/** Several Periods have clocks of their own: they can be played in a row, but not rewrapped as one. */
function trackOf({ kind, of, sound }: Joined['first'], media: readonly Media[]): DraftTrack {
  const [first] = media;
  if (first === undefined)
    throw new AppError('package_invalid', 'the MPD has a Representation without segments');
  const isOne = media.length === 1;
  const common = { timescale: first.timescale, codecs: of.codecs, label: of.label ?? labelOf(kind, of) };
  const bitrate = { peakBitsPerSecond: of.bitsPerSecond, averageBitsPerSecond: of.bitsPerSecond };
  return {
    track:
      kind === 'video'
        ? { ...common, kind, ...videoFacts(of) }
        : { ...common, kind, ...audioFacts(of, sound) },
    container: isOne ? first.container : 'other',
    segments: media.flatMap((one) => rescaled(one, first.timescale)),
    ...(first.init === undefined || !isOne ? {} : { init: first.init }),
    ...(first.originTicks === 0 ? {} : { manifestOriginTicks: first.originTicks }),
    ...(of.bitsPerSecond === 0 ? {} : { bitrate }),
    ...(sound === undefined ? {} : { sound }),
  };
}

function rescaled({ timescale, segments }: Media, to: number): readonly DraftSegment[] {
  if (timescale === to) return segments;
  return segments.map((segment) => ({
    ...segment,
    durationTicks: Math.max(1, Math.round((segment.durationTicks / timescale) * to)),
  }));
}

function videoFacts({ width, height, frameRate }: ParsedRepresentation) {
  return { width, height, frameRate };
}

function audioFacts({ channels, sampleRate }: ParsedRepresentation, sound: ListedSound | undefined) {
  const { key: _, ...facts } = sound ?? { key: '', isDefault: false };
  return { channels, sampleRate, ...facts };
}

function labelOf(kind: 'video' | 'audio', { height, language }: ParsedRepresentation): string {
  if (kind === 'video') return height > 0 ? `${height}p` : 'Video';
  return language ?? 'Audio';
}
