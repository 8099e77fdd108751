/** What the library holds: media files and ready-made packages, from one listing of it. */
import { createHash } from 'node:crypto';
import PQueue from 'p-queue';
import { AppError, isAppError } from '../errors.ts';
import type { ObjectKey } from '../storage/object-key.ts';
import type { ObjectInfo, ObjectStore } from '../storage/object-store.ts';
import { extensionOf, hasMediaExtension } from './file-types.ts';
import { claimsOf, type ManifestClaims, noClaims } from './manifest-claims.ts';
import { MAX_MANIFEST_BYTES, readManifestText } from './manifest-text.ts';
import { type FoundPackage, surveyPackages } from './packages-in-library.ts';
import { isSidecarName, type Sidecar, sidecarsByMedia } from './sidecars.ts';
import { titleOfFile, titleOfPackage } from './titles.ts';

export type LibraryEntry = {
  readonly kind: 'media' | 'hls' | 'dash';
  /** The media file, or the manifest at which the package begins. */
  readonly key: ObjectKey;
  /** The path below the library folder. */
  readonly name: string;
  /** Of all files of a package together. */
  readonly bytes: number;
  /** Covers all files of a package. */
  readonly etag: string;
  /** Made from the name of the file or of the package's folder. */
  readonly title: string;
  /** Other manifests that play the same media: an MPD beside a Multivariant Playlist. Absent where there is none. */
  readonly alternates?: readonly ObjectKey[];
  /** Files with captions beside a media file. Absent where there are none. */
  readonly sidecars?: readonly Sidecar[];
};

export type Discovery = {
  /** Lists the library anew; manifests that have not changed since the last time are not read again. */
  discover(signal: AbortSignal): Promise<readonly LibraryEntry[]>;
};

/** Manifests read at the same time: enough to hide the latency of cloud storage. */
const CONCURRENT_READS = 16;

/** What `store` holds, once. Throws what listing throws; a manifest that cannot be read is an entry all the same. */
export async function discover(store: ObjectStore, signal: AbortSignal): Promise<readonly LibraryEntry[]> {
  return createDiscovery(store).discover(signal);
}

/** Looks at `store` again and again, and remembers the manifests that it has read. */
export function createDiscovery(store: ObjectStore): Discovery {
  let remembered: ReadonlyMap<ObjectKey, RememberedClaims> = new Map();
  return {
    async discover(signal) {
      const stored = new Map<ObjectKey, ObjectInfo>();
      for await (const info of store.list('', { signal })) stored.set(info.key, info);
      remembered = await readManifests(store, stored, remembered, signal);
      const manifests = new Map([...remembered].map(([key, { claims }]) => [key, claims]));
      const { packages, claimed } = surveyPackages(new Set(stored.keys()), manifests);
      return [
        ...packages.map((found) => packageEntry(found, stored)),
        ...mediaEntries([...stored.values()].filter(({ key }) => !claimed.has(key))),
      ];
    },
  };
}

type RememberedClaims = { readonly etag: string; readonly claims: ManifestClaims };

async function readManifests(
  store: ObjectStore,
  stored: ReadonlyMap<ObjectKey, ObjectInfo>,
  remembered: ReadonlyMap<ObjectKey, RememberedClaims>,
  signal: AbortSignal,
): Promise<ReadonlyMap<ObjectKey, RememberedClaims>> {
  const manifests = [...stored.values()].filter(({ key }) => isManifest(key));
  const queue = new PQueue({ concurrency: CONCURRENT_READS });
  const read = await queue.addAll(
    manifests.map((info) => async () => {
      const before = remembered.get(info.key);
      if (before?.etag === info.etag) return [info.key, before] as const;
      return [info.key, { etag: info.etag, claims: await readClaims(store, info, signal) }] as const;
    }),
  );
  return new Map(read);
}

/** One manifest that cannot be read must not hide the rest of the library: reading the package will say why. */
async function readClaims(
  store: ObjectStore,
  { key, bytes }: ObjectInfo,
  signal: AbortSignal,
): Promise<ManifestClaims> {
  if (bytes > MAX_MANIFEST_BYTES) return noClaims(key);
  try {
    return claimsOf(key, await readManifestText(store, key, signal));
  } catch (error) {
    if (signal.aborted)
      throw new AppError('aborted', 'looking through the library was given up', { cause: error });
    if (!isAppError(error)) throw error;
    return noClaims(key);
  }
}

function packageEntry(
  { key, kind, alternates, files }: FoundPackage,
  stored: ReadonlyMap<ObjectKey, ObjectInfo>,
): LibraryEntry {
  const infos = [...files].sort().flatMap((file) => stored.get(file) ?? []);
  const hash = createHash('sha256');
  for (const info of infos) hash.update(JSON.stringify([info.key, info.etag]));
  return {
    kind,
    key,
    name: key,
    bytes: infos.reduce((sum, { bytes }) => sum + bytes, 0),
    etag: hash.digest('hex').slice(0, 32),
    title: titleOfPackage(key),
    ...(alternates.length === 0 ? {} : { alternates }),
  };
}

function mediaEntries(files: readonly ObjectInfo[]): readonly LibraryEntry[] {
  const media = files.filter(({ key }) => isMedia(key));
  const captions = files.filter(({ key }) => isSidecarName(key) && !isHidden(key));
  const byMedia = sidecarsByMedia(
    media.map(({ key }) => key),
    captions,
  );
  return media.map(({ key, bytes, etag }) => {
    const sidecars = byMedia.get(key);
    const entry = { kind: 'media', key, name: key, bytes, etag, title: titleOfFile(key) } as const;
    return sidecars === undefined ? entry : { ...entry, sidecars };
  });
}

function isManifest(key: ObjectKey): boolean {
  return !isHidden(key) && ['m3u8', 'mpd'].includes(extensionOf(key));
}

function isMedia(key: ObjectKey): boolean {
  return !isHidden(key) && hasMediaExtension(key);
}

/** Hidden files and folders, and what programs write while they are not done (`~$film.mp4`, `film.mp4~`). */
function isHidden(key: ObjectKey): boolean {
  return key.split('/').some((part) => part.startsWith('.') || part.startsWith('~') || part.endsWith('~'));
}
