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
import { captionOf, soundOf } from './hls/renditions.ts';
import type { DraftBytes, DraftCaption, DraftTrack, PackageDraft } from './package-draft.ts';
import { keyAt, locationOf, quote, resolveLocation } from './reference.ts';
import { type ListedSound, SoundKeys } from './sounds.ts';

/** Hostile playlists may name any number of others. Real packages have some dozens. */
const MAX_PLAYLISTS = 1000;

/**
 * Reads the package that begins at `entry`. Each variant is a track, sound inside it included (`codecs` then
 * lists both); each audio rendition with its own playlist is one. I-frame playlists are files only. Throws
 * `package_invalid`, and whatever the store throws.
 */
export async function readHlsPackage(
  store: ObjectStore,
  entry: ObjectKey,
  signal: AbortSignal,
): Promise<PackageDraft> {
  const reader = createReader(store, entry, signal);
  const playlist = parsePlaylist(await readManifestText(store, entry, signal));
  const { tracks, captions } =
    playlist.kind === 'multivariant'
      ? await readVariants(reader, entry, playlist)
      : {
          tracks: [mediaTrack(reader.addMedia(entry, playlist), { codecs: '', label: 'Video' })],
          captions: [],
        };
  return { format: 'hls', entry, files: reader.files, tracks, captions };
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
): Promise<Pick<PackageDraft, 'tracks' | 'captions'>> {
  for (const uri of playlist.otherFiles) reader.addFile(entry, uri);
  for (const uri of playlist.iFramePlaylists) await reader.readMedia(entry, uri);
  const tracks = new Map<LocatedPlaylist, DraftTrack>();
  const captions = new Map<LocatedPlaylist, DraftCaption>();
  const sounds = listedSounds(playlist);
  for (const variant of playlist.variants) {
    const located = await reader.readMedia(entry, variant.uri);
    if (!tracks.has(located)) tracks.set(located, variantTrack(located, variant, sounds));
  }
  for (const rendition of playlist.renditions) {
    if (rendition.uri === undefined) continue;
    const located = await reader.readMedia(entry, rendition.uri);
    const sound = sounds.get(rendition);
    if (sound !== undefined && !tracks.has(located)) {
      tracks.set(located, renditionTrack(located, rendition, sound, playlist));
    }
    const caption = rendition.type === 'SUBTITLES' ? captionTrack(located, rendition) : undefined;
    if (caption !== undefined && !captions.has(located)) captions.set(located, caption);
  }
  return { tracks: [...tracks.values()], captions: [...captions.values()] };
}

type ListedSounds = ReadonlyMap<Rendition, ListedSound>;

function listedSounds({ renditions }: MultivariantPlaylist): ListedSounds {
  const keys = new SoundKeys();
  return new Map(
    renditions
      .filter(({ type }) => type === 'AUDIO')
      .map((rendition) => [rendition, soundOf(rendition, keys)]),
  );
}

/** Undefined for what cannot be read: encrypted, with breaks in its times, of a kind that is not known. */
function captionTrack(located: LocatedPlaylist, rendition: Rendition): DraftCaption | undefined {
  const { playlist, segments, inits } = located;
  const container = containerOf(playlist, segments, inits);
  if (container !== 'webvtt' && container !== 'fmp4') return undefined;
  return { ...captionOf(rendition), container, ...draftMedia(located), manifestOriginSeconds: 0 };
}

function variantTrack(located: LocatedPlaylist, { attributes }: Variant, sounds: ListedSounds): DraftTrack {
  const codecs = attributes.get('CODECS') ?? '';
  const group = [...sounds].filter(([{ groupId }]) => groupId === attributes.get('AUDIO'));
  // RFC 8216bis 4.4.6.2.1: a rendition without a URI lies inside the segments of the variant.
  const own = group.find(([{ uri }]) => uri === undefined)?.[1];
  const hasOwnAudio = own !== undefined || group.length === 0;
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
    sound: own,
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
  { attributes, groupId }: Rendition,
  sound: ListedSound,
  playlist: MultivariantPlaylist,
): DraftTrack {
  const variant = playlist.variants.find((candidate) => candidate.attributes.get('AUDIO') === groupId);
  return mediaTrack(located, {
    isAudio: true,
    codecs: splitCodecs(variant?.attributes.get('CODECS') ?? '').audio[0] ?? '',
    label: sound.title ?? 'Audio',
    channels: positiveInteger(/^\d{1,3}/.exec(attributes.get('CHANNELS') ?? '')?.[0]),
    sound,
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
  readonly bitrate?: Bitrate | undefined;
  readonly sound?: ListedSound | undefined;
};

function mediaTrack(located: LocatedPlaylist, facts: TrackFacts): DraftTrack {
  const { playlist, segments, inits } = located;
  return {
    track: isAudioTrack(facts, segments[0]) ? audioFacts(facts) : videoFacts(facts),
    container: containerOf(playlist, segments, inits),
    ...draftMedia(located),
    ...(facts.bitrate === undefined ? {} : { bitrate: facts.bitrate }),
    ...(facts.sound === undefined ? {} : { sound: facts.sound }),
  };
}

function draftMedia({ playlist, segments, inits: [init] }: LocatedPlaylist) {
  return {
    segments: playlist.segments.map(({ durationTicks, range }, i) => ({
      key: segments[i] as ObjectKey,
      durationTicks,
      ...(range === undefined ? {} : { range }),
    })),
    ...(init === undefined ? {} : { init }),
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

function audioFacts({ codecs, label, channels = 0, sound }: TrackFacts): DraftTrack['track'] {
  const { key: _, ...facts } = sound ?? { key: '', isDefault: true };
  return { kind: 'audio', timescale: HLS_TIMESCALE, codecs, label, channels, sampleRate: 0, ...facts };
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
