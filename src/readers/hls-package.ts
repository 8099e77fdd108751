/** A ready-made HLS package: a Multivariant Playlist with all it names, or a lone Media Playlist. */
import { AppError, isAppError } from '../errors.ts';
import type { Bitrate } from '../media/presentation.ts';
import type { ObjectKey } from '../storage/object-key.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { splitCodecs } from './codec-kinds.ts';
import { packagedContainer } from './file-types.ts';
import { frameRateFromDecimal, UNKNOWN_FRAME_RATE } from './frame-rates.ts';
import {
  HLS_TIMESCALE,
  type InitSection,
  MAX_SEGMENTS,
  type MediaPlaylist,
  type MultivariantPlaylist,
  parsePlaylist,
  type Rendition,
  type Variant,
} from './hls/parse-playlist.ts';
import { readManifestText } from './manifest-text.ts';
import type { DraftBytes, DraftTrack, PackageDraft } from './package-draft.ts';
import { keyAt, locationOf, quote, resolveLocation } from './reference.ts';

/** Hostile playlists may name any number of others. Real packages have some dozens. */
const MAX_PLAYLISTS = 1000;

/**
 * Reads the package that begins at `entry`. Each variant is a track, sound inside it included (`codecs` then
 * lists both); each audio rendition with its own playlist is one. Subtitles and I-frame playlists are files
 * only. Throws `package_invalid`, and whatever the store throws.
 */
export async function readHlsPackage(
  store: ObjectStore,
  entry: ObjectKey,
  signal: AbortSignal,
): Promise<PackageDraft> {
  const reader = createReader(store, entry, signal);
  const playlist = parsePlaylist(await readManifestText(store, entry, signal));
  const tracks =
    playlist.kind === 'multivariant'
      ? await readVariants(reader, entry, playlist)
      : [mediaTrack(reader.addMedia(entry, playlist), { codecs: '', label: 'Video' })];
  return { format: 'hls', entry, files: reader.files, tracks };
}

type Reader = {
  readonly files: ReadonlySet<ObjectKey>;
  addFile(from: ObjectKey, uri: string): ObjectKey;
  /** Adds a Media Playlist and what it names; the same one is read once. */
  readMedia(from: ObjectKey, uri: string): Promise<LocatedPlaylist>;
  addMedia(key: ObjectKey, playlist: MediaPlaylist): LocatedPlaylist;
};

type LocatedPlaylist = {
  readonly playlist: MediaPlaylist;
  readonly segments: readonly ObjectKey[];
  readonly inits: readonly DraftBytes[];
};

function createReader(store: ObjectStore, entry: ObjectKey, signal: AbortSignal): Reader {
  const files = new Set<ObjectKey>([entry]);
  const known = new Map<ObjectKey, LocatedPlaylist>();
  const addFile = (from: ObjectKey, uri: string): ObjectKey => {
    const key = keyAt(resolveLocation(locationOf(from), uri));
    files.add(key);
    return key;
  };
  let segmentCount = 0;
  const addMedia = (key: ObjectKey, playlist: MediaPlaylist): LocatedPlaylist => {
    segmentCount += playlist.segments.length;
    if (segmentCount > MAX_SEGMENTS)
      throw new AppError('package_invalid', 'the package has too many segments');
    requireEnd(key, playlist);
    for (const uri of playlist.keyUris) addFile(key, uri);
    const segments = playlist.segments.map(({ uri }) => addFile(key, uri));
    const inits = distinctInits(playlist).map(({ uri, range }) => ({
      key: addFile(key, uri),
      ...(range === undefined ? {} : { range }),
    }));
    return { playlist, segments, inits };
  };
  const readMedia = async (from: ObjectKey, uri: string): Promise<LocatedPlaylist> => {
    const key = addFile(from, uri);
    const before = known.get(key);
    if (before !== undefined) return before;
    if (known.size >= MAX_PLAYLISTS)
      throw new AppError('package_invalid', 'the package has too many playlists');
    const playlist = parsePlaylist(await readChild(store, key, signal));
    if (playlist.kind !== 'media') {
      throw new AppError(
        'package_invalid',
        `${quote(key)} is named as a media playlist, but it names variants itself`,
      );
    }
    const located = addMedia(key, playlist);
    known.set(key, located);
    return located;
  };
  return { files, addFile, readMedia, addMedia };
}

async function readChild(store: ObjectStore, key: ObjectKey, signal: AbortSignal): Promise<string> {
  try {
    return await readManifestText(store, key, signal);
  } catch (error) {
    if (!isAppError(error, 'object_not_found')) throw error;
    throw new AppError('package_invalid', `the package lacks the file ${quote(key)}`, { cause: error });
  }
}

/** RFC 8216bis 4.4.3.4: without it players wait for more, and begin near the end. */
function requireEnd(key: ObjectKey, playlist: MediaPlaylist): void {
  if (playlist.isEnded) return;
  const message = `the playlist ${quote(key)} has no #EXT-X-ENDLIST: it is still being written, or is a live stream`;
  throw new AppError('package_invalid', message);
}

function distinctInits({ segments }: MediaPlaylist): InitSection[] {
  const inits = new Map<string, InitSection>();
  for (const { init } of segments) {
    if (init !== undefined) inits.set(`${init.range?.start}-${init.range?.end} ${init.uri}`, init);
  }
  return [...inits.values()];
}

async function readVariants(
  reader: Reader,
  entry: ObjectKey,
  playlist: MultivariantPlaylist,
): Promise<DraftTrack[]> {
  for (const uri of playlist.otherFiles) reader.addFile(entry, uri);
  for (const uri of playlist.iFramePlaylists) await reader.readMedia(entry, uri);
  const tracks = new Map<LocatedPlaylist, DraftTrack>();
  for (const variant of playlist.variants) {
    const located = await reader.readMedia(entry, variant.uri);
    if (!tracks.has(located)) tracks.set(located, variantTrack(located, variant, playlist));
  }
  for (const rendition of playlist.renditions) {
    if (rendition.uri === undefined) continue;
    const located = await reader.readMedia(entry, rendition.uri);
    if (rendition.type === 'AUDIO' && !tracks.has(located)) {
      tracks.set(located, renditionTrack(located, rendition, playlist));
    }
  }
  return [...tracks.values()];
}

function variantTrack(
  located: LocatedPlaylist,
  { attributes }: Variant,
  playlist: MultivariantPlaylist,
): DraftTrack {
  const codecs = attributes.get('CODECS') ?? '';
  const audioGroup = attributes.get('AUDIO');
  const hasOwnAudio = !playlist.renditions.some(
    ({ type, groupId, uri }) => type === 'AUDIO' && groupId === audioGroup && uri !== undefined,
  );
  const [width = 0, height = 0] =
    /^(\d{1,5})x(\d{1,5})$/i
      .exec(attributes.get('RESOLUTION') ?? '')
      ?.slice(1)
      .map(Number) ?? [];
  return mediaTrack(located, {
    codecs: hasOwnAudio ? codecs : splitCodecs(codecs).video.join(','),
    label: attributes.get('NAME') ?? (height > 0 ? `${height}p` : 'Video'),
    width,
    height,
    frameRate: Number(attributes.get('FRAME-RATE') ?? 0),
    bitrate: variantBitrate(attributes),
  });
}

/** RFC 8216bis 4.4.6.2: BANDWIDTH is the peak. It counts all renditions, and no player minds the difference. */
function variantBitrate(attributes: ReadonlyMap<string, string>): Bitrate | undefined {
  const peakBitsPerSecond = positiveInteger(attributes.get('BANDWIDTH'));
  if (peakBitsPerSecond === 0) return undefined;
  const averageBitsPerSecond = positiveInteger(attributes.get('AVERAGE-BANDWIDTH')) || peakBitsPerSecond;
  return { peakBitsPerSecond, averageBitsPerSecond };
}

function renditionTrack(
  located: LocatedPlaylist,
  rendition: Rendition,
  playlist: MultivariantPlaylist,
): DraftTrack {
  const { attributes, groupId } = rendition;
  const variant = playlist.variants.find((candidate) => candidate.attributes.get('AUDIO') === groupId);
  const language = attributes.get('LANGUAGE');
  return mediaTrack(located, {
    isAudio: true,
    codecs: splitCodecs(variant?.attributes.get('CODECS') ?? '').audio[0] ?? '',
    label: attributes.get('NAME') ?? 'Audio',
    channels: positiveInteger(/^\d{1,3}/.exec(attributes.get('CHANNELS') ?? '')?.[0]),
    isDefault: attributes.get('DEFAULT') === 'YES',
    ...(language === undefined ? {} : { language }),
  });
}

type TrackFacts = {
  readonly codecs: string;
  readonly label: string;
  readonly isAudio?: boolean;
  readonly width?: number;
  readonly height?: number;
  /** Decimal, 0 if not stated. */
  readonly frameRate?: number;
  readonly channels?: number;
  readonly language?: string;
  readonly isDefault?: boolean;
  readonly bitrate?: Bitrate | undefined;
};

function mediaTrack({ playlist, segments, inits }: LocatedPlaylist, facts: TrackFacts): DraftTrack {
  const [init] = inits;
  return {
    track: isAudioTrack(facts, segments[0]) ? audioFacts(facts) : videoFacts(facts),
    container: containerOf(playlist, segments, inits),
    segments: playlist.segments.map(({ durationTicks, range }, i) => ({
      key: segments[i] as ObjectKey,
      durationTicks,
      ...(range === undefined ? {} : { range }),
    })),
    ...(init === undefined ? {} : { init }),
    ...(facts.bitrate === undefined ? {} : { bitrate: facts.bitrate }),
  };
}

function isAudioTrack({ isAudio, codecs, height }: TrackFacts, firstSegment: ObjectKey | undefined): boolean {
  if (isAudio === true || packagedContainer(firstSegment ?? '') === 'aac') return true;
  const { video, audio } = splitCodecs(codecs);
  return video.length === 0 && audio.length > 0 && (height ?? 0) === 0;
}

function videoFacts({
  codecs,
  label,
  width = 0,
  height = 0,
  frameRate = 0,
}: TrackFacts): DraftTrack['track'] {
  return {
    kind: 'video',
    timescale: HLS_TIMESCALE,
    codecs,
    label,
    width,
    height,
    frameRate: frameRate > 0 ? frameRateFromDecimal(frameRate) : UNKNOWN_FRAME_RATE,
  };
}

function audioFacts({
  codecs,
  label,
  channels = 0,
  language,
  isDefault = true,
}: TrackFacts): DraftTrack['track'] {
  return {
    kind: 'audio',
    timescale: HLS_TIMESCALE,
    codecs,
    label,
    channels,
    sampleRate: 0,
    isDefault,
    ...(language === undefined ? {} : { language }),
  };
}

/** `other` for what is only to be played as it lies: encrypted, with breaks in its timestamps, or of mixed kinds. */
function containerOf(playlist: MediaPlaylist, segments: readonly ObjectKey[], inits: readonly DraftBytes[]) {
  const isBroken = playlist.segments.some(({ isDiscontinuous }, i) => isDiscontinuous && i > 0);
  if (playlist.isEncrypted || isBroken || inits.length > 1) return 'other';
  const container = packagedContainer(segments[0] ?? '');
  if (segments.some((key) => packagedContainer(key) !== container)) return 'other';
  return container === 'fmp4' && inits.length === 0 ? 'other' : container;
}

function positiveInteger(text: string | undefined): number {
  return text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : 0;
}
