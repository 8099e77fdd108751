/**
 * A package while it is being read: files by key, as its manifests name them. {@link finishPackage} holds it
 * against what is really there.
 */
import { AppError } from '../errors.ts';
import type {
  PackagedBytes,
  PackagedCaption,
  PackagedSound,
  PackagedTrack,
  PackageInfo,
} from '../media/package.ts';
import {
  type Bitrate,
  isSurround,
  type Presentation,
  type Segment,
  type Track,
} from '../media/presentation.ts';
import type { ObjectKey } from '../storage/object-key.ts';
import type { ObjectInfo } from '../storage/object-store.ts';
import { packageMediaType } from './file-types.ts';
import { quote } from './reference.ts';
import type { ListedSound } from './sounds.ts';

/** An object or a part of it; `range` with inclusive offsets. */
export type DraftBytes = {
  readonly key: ObjectKey;
  readonly range?: { readonly start: number; readonly end: number };
};

export type DraftSegment = DraftBytes & {
  readonly durationTicks: number;
  /** Left out where its file is missing: only rounding in the manifest says that it exists. */
  readonly isOptional?: boolean;
};

export type DraftTrack = {
  /** A Track without what follows from its segments and from its place among the tracks. */
  readonly track: DistributiveOmit<Track, 'id' | 'segments' | 'bitrate'>;
  /** As the manifest claims; measured where it does not. */
  readonly bitrate?: Bitrate;
  readonly container: PackagedTrack['container'];
  readonly init?: DraftBytes;
  readonly segments: readonly DraftSegment[];
  readonly manifestOriginTicks?: number;
  /** Of a track of sound; of one of pictures, the sound in it. Absent where the manifest lists none. */
  readonly sound?: ListedSound;
};

/** As it is kept, but for where its bytes lie. */
export type DraftCaption = Omit<PackagedCaption, 'init' | 'segments'> & {
  readonly init?: DraftBytes;
  readonly segments: readonly (DraftBytes & { readonly isOptional?: boolean })[];
};

export type PackageDraft = {
  readonly format: PackageInfo['format'];
  readonly entry: ObjectKey;
  /** Every file that a player may fetch, those of `tracks` included. */
  readonly files: ReadonlySet<ObjectKey>;
  readonly tracks: readonly DraftTrack[];
  readonly captions: readonly DraftCaption[];
};

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/**
 * The package as it is kept. `stored` knows every object below {@link commonFolder} of the files. Throws
 * `package_invalid` naming the first file that is missing or shorter than a byte range says.
 */
export function finishPackage(draft: PackageDraft, stored: ReadonlyMap<ObjectKey, ObjectInfo>): PackageInfo {
  const tracks = draft.tracks.map((track) => withoutMissingOptional(track, stored));
  const captions = draft.captions.map((caption) => withoutMissingOptional(caption, stored));
  const optional = new Set(
    [...draft.tracks, ...draft.captions].flatMap(({ segments }) =>
      segments.filter((s) => s.isOptional).map((s) => s.key),
    ),
  );
  const files = [...draft.files].filter((key) => stored.has(key) || !optional.has(key));
  for (const key of files) requireStored(key, stored);
  for (const { init, segments } of [...tracks, ...captions])
    for (const bytes of init ? [init, ...segments] : segments) requireRange(bytes, stored);
  if (tracks.length === 0) throw new AppError('package_invalid', 'the package has nothing to play');
  const root = commonFolder(files);
  const soundIdOf = soundIds();
  const placed = placeTracks(tracks, stored, soundIdOf);
  return {
    format: draft.format,
    root,
    entry: below(root, draft.entry),
    files: files.map((key) => ({ path: below(root, key), mediaType: packageMediaType(key) })),
    presentation: { tracks: placed.map(({ track }) => track) } satisfies Presentation,
    media: Object.fromEntries(
      placed.map(({ track, draft: from }) => [track.id, packagedTrack(root, from, soundIdOf)]),
    ),
    ...(captions.length === 0 ? {} : { captions: captions.map((caption) => packagedCaption(root, caption)) }),
  };
}

/** The innermost folder that all keys lie below; '' for the root of the store. */
export function commonFolder(keys: Iterable<ObjectKey>): ObjectKey | '' {
  let common: readonly string[] | undefined;
  for (const key of keys) {
    const folders = key.split('/').slice(0, -1);
    if (common === undefined) common = folders;
    const differs = common.findIndex((part, i) => part !== folders[i]);
    if (differs >= 0) common = common.slice(0, differs);
  }
  return (common ?? []).join('/') as ObjectKey | '';
}

function below(root: ObjectKey | '', key: ObjectKey): string {
  return root === '' ? key : key.slice(root.length + 1);
}

function withoutMissingOptional<T extends DraftTrack | DraftCaption>(
  track: T,
  stored: ReadonlyMap<ObjectKey, ObjectInfo>,
): T {
  return {
    ...track,
    segments: track.segments.filter(({ key, isOptional }) => !isOptional || stored.has(key)),
  };
}

function requireStored(key: ObjectKey, stored: ReadonlyMap<ObjectKey, ObjectInfo>): ObjectInfo {
  const info = stored.get(key);
  if (info === undefined) throw new AppError('package_invalid', `the package lacks the file ${quote(key)}`);
  return info;
}

function requireRange({ key, range }: DraftBytes, stored: ReadonlyMap<ObjectKey, ObjectInfo>): void {
  if (range !== undefined && range.end >= requireStored(key, stored).bytes) {
    throw new AppError('package_invalid', `the file ${quote(key)} is shorter than its manifest says`);
  }
}

/** In order of preference (see Presentation), each with an id. */
function placeTracks(
  tracks: readonly DraftTrack[],
  stored: ReadonlyMap<ObjectKey, ObjectInfo>,
  soundIdOf: SoundIds,
) {
  const complete = tracks.map((draft) => {
    const segments = tile(draft.segments);
    const bitrate = draft.bitrate ?? measureBitrate(draft, segments, stored);
    return { draft, whole: { ...draft.track, id: '', segments, bitrate } as Track };
  });
  complete.sort((a, b) => rank(b.whole) - rank(a.whole));
  const counts = { video: 0, audio: 0 };
  return complete.map(({ draft, whole }) => {
    counts[whole.kind] += 1;
    const id = `${whole.kind === 'video' ? 'v' : 'a'}${counts[whole.kind]}`;
    const isSound = whole.kind === 'audio' && draft.sound !== undefined;
    return { draft, track: { ...whole, id, ...(isSound ? soundIdOf(draft.sound) : {}) } };
  });
}

/** Names sounds by their keys, in the order in which they are met. */
type SoundIds = (sound: ListedSound) => { readonly soundId: string };

function soundIds(): SoundIds {
  const known = new Map<string, string>();
  return ({ key }) => {
    const soundId = known.get(key) ?? `s${known.size + 1}`;
    known.set(key, soundId);
    return { soundId };
  };
}

/** Video before audio, high before low, many bits before few; stereo before surround, the default audio first. */
function rank(track: Track): number {
  const bits = Math.min(track.bitrate.peakBitsPerSecond, 1e11);
  if (track.kind === 'audio')
    return (isSurround(track) ? -2e12 : 0) + (track.isDefault ? 0 : -1e12) + bits - 1e13;
  return track.height * 1e12 + bits;
}

function tile(segments: readonly DraftSegment[]): Segment[] {
  let startTicks = 0;
  return segments.map(({ durationTicks }, index) => {
    const segment = { index, startTicks, durationTicks };
    startTicks += durationTicks;
    return segment;
  });
}

function measureBitrate(
  draft: DraftTrack,
  segments: readonly Segment[],
  stored: ReadonlyMap<ObjectKey, ObjectInfo>,
): Bitrate {
  const { timescale } = draft.track;
  let [totalBytes, totalTicks, peakBitsPerSecond] = [0, 0, 0];
  draft.segments.forEach(({ key, range }, i) => {
    const bytes = range === undefined ? requireStored(key, stored).bytes : range.end - range.start + 1;
    const ticks = segments[i]?.durationTicks ?? 1;
    totalBytes += bytes;
    totalTicks += ticks;
    peakBitsPerSecond = Math.max(peakBitsPerSecond, Math.ceil((bytes * 8 * timescale) / ticks));
  });
  return {
    peakBitsPerSecond,
    averageBitsPerSecond: Math.ceil((totalBytes * 8 * timescale) / (totalTicks || 1)),
  };
}

function packagedTrack(root: ObjectKey | '', draft: DraftTrack, soundIdOf: SoundIds): PackagedTrack {
  const { container, manifestOriginTicks, sound, track } = draft;
  return {
    container,
    ...packagedMedia(root, draft),
    ...(manifestOriginTicks === undefined ? {} : { manifestOriginTicks }),
    ...(sound === undefined || track.kind === 'audio' ? {} : { sound: packagedSound(sound, soundIdOf) }),
  };
}

function packagedSound({ key, ...sound }: ListedSound, soundIdOf: SoundIds): PackagedSound {
  return { ...sound, label: sound.title ?? 'Audio', ...soundIdOf({ key, ...sound }) };
}

function packagedCaption(root: ObjectKey | '', draft: DraftCaption): PackagedCaption {
  const { init: _, segments: __, ...rest } = draft;
  return { ...rest, ...packagedMedia(root, draft) };
}

function packagedMedia(root: ObjectKey | '', { init, segments }: DraftTrack | DraftCaption) {
  const bytes = ({ key, range }: DraftBytes): PackagedBytes => ({
    path: below(root, key),
    ...(range === undefined ? {} : { range }),
  });
  return { ...(init === undefined ? {} : { init: bytes(init) }), segments: segments.map(bytes) };
}
