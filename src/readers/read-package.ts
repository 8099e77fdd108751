/** One door to ready-made packages, whatever their format. */
import { isAppError } from '../errors.ts';
import type { PackageInfo } from '../media/package.ts';
import type { ObjectKey } from '../storage/object-key.ts';
import type { ObjectInfo, ObjectStore } from '../storage/object-store.ts';
import { readDashPackage } from './dash-package.ts';
import type { LibraryEntry } from './discover.ts';
import { readHlsPackage } from './hls-package.ts';
import { measurePackage } from './measure-package.ts';
import {
  commonFolder,
  type DraftCaption,
  type DraftTrack,
  finishPackage,
  type PackageDraft,
} from './package-draft.ts';
import { fillIn, isWebvtt } from './probe-segments.ts';

/**
 * Reads a package that {@link discover} found. Files of its alternate manifests may be fetched too, as far as
 * those manifests are in order; the Presentation is that of its own. Throws `package_invalid` with a sentence
 * that says what is wrong, and whatever the store throws.
 */
export async function readPackage(
  store: ObjectStore,
  entry: Pick<LibraryEntry, 'kind' | 'key' | 'alternates'>,
  signal: AbortSignal,
): Promise<PackageInfo> {
  const draft = await readDraft(store, entry.key, signal);
  const alternates = await readAlternates(store, entry.alternates ?? [], signal);
  const stored = await listStored(
    store,
    commonFolder([draft, ...alternates].flatMap(({ files }) => [...files])),
    signal,
  );
  const usable = alternates.filter(({ files }) => [...files].every((key) => stored.has(key)));
  const files = new Set([draft, ...usable].flatMap((one) => [...one.files]));
  const whole = { ...draft, files };
  // Refuses what is broken before any media is looked into.
  finishPackage(whole, stored);
  const tracks: DraftTrack[] = [];
  for (const track of draft.tracks) tracks.push(await fillIn(store, track, signal));
  const captions: DraftCaption[] = [];
  for (const caption of draft.captions) if (await isWebvtt(store, caption, signal)) captions.push(caption);
  const info = finishPackage({ ...whole, tracks, captions }, stored);
  const rewrapped = await measurePackage({ store, root: info.root, signal }, info);
  return { ...info, ...(rewrapped === undefined ? {} : { rewrapped }) };
}

function readDraft(store: ObjectStore, key: ObjectKey, signal: AbortSignal): Promise<PackageDraft> {
  return /\.mpd$/i.test(key) ? readDashPackage(store, key, signal) : readHlsPackage(store, key, signal);
}

async function readAlternates(store: ObjectStore, keys: readonly ObjectKey[], signal: AbortSignal) {
  const drafts: PackageDraft[] = [];
  for (const key of keys) {
    try {
      drafts.push(await readDraft(store, key, signal));
    } catch (error) {
      if (!isAppError(error, 'package_invalid') && !isAppError(error, 'object_not_found')) throw error;
    }
  }
  return drafts;
}

async function listStored(store: ObjectStore, folder: ObjectKey | '', signal: AbortSignal) {
  const stored = new Map<ObjectKey, ObjectInfo>();
  for await (const info of store.list(folder, { signal })) stored.set(info.key, info);
  return stored;
}
