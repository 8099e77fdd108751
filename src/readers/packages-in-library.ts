/** From all files of a library and what its manifests claim: which packages there are, and of what. */
import type { ObjectKey } from '../storage/object-key.ts';
import { extensionOf } from './file-types.ts';
import type { KeyPattern, ManifestClaims } from './manifest-claims.ts';

export type FoundPackage = {
  readonly key: ObjectKey;
  readonly kind: 'hls' | 'dash';
  /** Manifests that play the same media. */
  readonly alternates: readonly ObjectKey[];
  /** Those that exist, manifests included. */
  readonly files: ReadonlySet<ObjectKey>;
};

export type PackageSurvey = {
  readonly packages: readonly FoundPackage[];
  /** Files that are no videos of their own. */
  readonly claimed: ReadonlySet<ObjectKey>;
};

/** So many claimed files of one shape make all of that shape segments. */
const SIBLINGS_OF_CLAIMED = 3;
/** So many numbered transport streams beside a manifest that says nothing are taken for its segments. */
const SIBLINGS_OF_NOTHING = 5;

/** `stored`: every file. `manifests`: the claims of each manifest among them. */
export function surveyPackages(
  stored: ReadonlySet<ObjectKey>,
  manifests: ReadonlyMap<ObjectKey, ManifestClaims>,
): PackageSurvey {
  const claims = new Map(
    [...manifests].map(([key, own]) => [key, existingClaims(key, own, stored, manifests)]),
  );
  const heads = headManifests(manifests);
  const packages = mergeTwins(heads, claims, manifests);
  const claimed = new Set([...claims.values()].flatMap((files) => [...files]));
  const silent = heads.filter((key) => (claims.get(key)?.size ?? 0) <= 1);
  for (const key of likelySegments(stored, claimed, silent)) claimed.add(key);
  return { packages, claimed };
}

/** The manifest, what it names, and what its playlists name: as far as it exists. */
function existingClaims(
  key: ObjectKey,
  own: ManifestClaims,
  stored: ReadonlySet<ObjectKey>,
  manifests: ReadonlyMap<ObjectKey, ManifestClaims>,
): Set<ObjectKey> {
  const files = new Set([key]);
  const add = (references: Iterable<ObjectKey>): void => {
    for (const reference of references) if (stored.has(reference)) files.add(reference);
  };
  add(own.references);
  if (own.kind === 'multivariant') {
    for (const reference of own.references) {
      const child = manifests.get(reference);
      if (child?.kind === 'media') add(child.references);
    }
  }
  if (own.patterns.length > 0) {
    for (const candidate of stored)
      if (own.patterns.some((pattern) => matches(candidate, pattern))) files.add(candidate);
  }
  return files;
}

function matches(key: ObjectKey, { start, end }: KeyPattern): boolean {
  return key.startsWith(start) && key.endsWith(end) && key.length >= start.length + end.length;
}

/** Manifests that a person would open: not the Media Playlists of a Multivariant Playlist. */
function headManifests(manifests: ReadonlyMap<ObjectKey, ManifestClaims>): ObjectKey[] {
  const parts = new Set<ObjectKey>();
  for (const { kind, references } of manifests.values()) {
    if (kind !== 'multivariant') continue;
    for (const reference of references) if (manifests.get(reference)?.kind === 'media') parts.add(reference);
  }
  return [...manifests.keys()].filter((key) => !parts.has(key));
}

/** Manifests that share more than half of the media of the smaller one are one package. */
function mergeTwins(
  heads: readonly ObjectKey[],
  claims: ReadonlyMap<ObjectKey, ReadonlySet<ObjectKey>>,
  manifests: ReadonlyMap<ObjectKey, ManifestClaims>,
): FoundPackage[] {
  const ranked = heads.toSorted((a, b) => preference(a, manifests) - preference(b, manifests) || order(a, b));
  const media = new Map(
    ranked.map((key) => [key, [...(claims.get(key) ?? [])].filter((file) => !manifests.has(file))]),
  );
  const ownerOf = new Map<ObjectKey, ObjectKey>();
  const groups = new Map<ObjectKey, ObjectKey[]>();
  for (const key of ranked) {
    const files = media.get(key) ?? [];
    const owner = mostFrequent(files.flatMap((file) => ownerOf.get(file) ?? []));
    const smaller = Math.min(files.length, media.get(owner?.value ?? key)?.length ?? 0);
    const isTwin = owner !== undefined && owner.count * 2 > smaller;
    const head = isTwin ? owner.value : key;
    groups.set(head, [...(groups.get(head) ?? []), key]);
    for (const file of files) if (!ownerOf.has(file)) ownerOf.set(file, head);
  }
  return [...groups].map(([key, group]) => ({
    key,
    kind: manifests.get(key)?.kind === 'dash' ? 'dash' : 'hls',
    alternates: group.slice(1),
    files: new Set(group.flatMap((one) => [...(claims.get(one) ?? [])])),
  }));
}

/** HLS first: browsers that play DASH play it too (with hls.js), and some devices play nothing else. */
function preference(key: ObjectKey, manifests: ReadonlyMap<ObjectKey, ManifestClaims>): number {
  const kind = manifests.get(key)?.kind;
  return kind === 'multivariant' ? 0 : kind === 'dash' ? 1 : 2;
}

function order(a: ObjectKey, b: ObjectKey): number {
  return a.length - b.length || (a < b ? -1 : 1);
}

function mostFrequent<T>(values: readonly T[]): { readonly value: T; readonly count: number } | undefined {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const [best] = [...counts].sort((a, b) => b[1] - a[1]);
  return best === undefined ? undefined : { value: best[0], count: best[1] };
}

/** Segments that no manifest names: left over, or of a manifest that is cut off or cannot be read. */
function likelySegments(
  stored: ReadonlySet<ObjectKey>,
  claimed: ReadonlySet<ObjectKey>,
  silent: readonly ObjectKey[],
): ObjectKey[] {
  const silentFolders = silent.map((key) => key.slice(0, key.lastIndexOf('/') + 1));
  const shapes = new Map<string, ObjectKey[]>();
  for (const key of stored) {
    const shape = shapeOf(key);
    if (shape === undefined) continue;
    const sameShape = shapes.get(shape);
    if (sameShape === undefined) shapes.set(shape, [key]);
    else sameShape.push(key);
  }
  return [...shapes.values()].flatMap((keys) => {
    const claimedCount = keys.filter((key) => claimed.has(key)).length;
    const [first] = keys;
    const isLikeSegments = keys.length >= SIBLINGS_OF_NOTHING && extensionOf(first ?? '') === 'ts';
    const isBesideSilent = isLikeSegments && silentFolders.some((folder) => first?.startsWith(folder));
    return claimedCount >= SIBLINGS_OF_CLAIMED || isBesideSilent ? keys : [];
  });
}

/** The key with the numbers of its last part left out; undefined where there is none. */
function shapeOf(key: ObjectKey): string | undefined {
  const nameStart = key.lastIndexOf('/') + 1;
  const name = key.slice(nameStart);
  const shape = name.replace(/\d+/g, '#');
  return shape === name ? undefined : key.slice(0, nameStart) + shape;
}
