/** Files with captions beside a media file: `film.en.vtt`, `film.pt-BR.forced.srt` beside `film.mp4`. */
import type { CaptionKind } from '../media/captions.ts';
import { canonicalLanguage, UNDETERMINED } from '../media/language.ts';
import type { ObjectKey } from '../storage/object-key.ts';
import type { ObjectInfo } from '../storage/object-store.ts';
import { extensionOf } from './file-types.ts';

/** A file with captions, and what its name says of it. */
export type Sidecar = {
  readonly key: ObjectKey;
  readonly etag: string;
  readonly language: string;
  /** Parts of the name that mean nothing else. */
  readonly label?: string;
  readonly kind: CaptionKind;
  readonly isForced: boolean;
};

const EXTENSIONS = ['vtt', 'srt'];
/** For who cannot hear: what players and rippers put into names. */
const FOR_THE_DEAF = new Set(['sdh', 'cc', 'hi']);

/** Whether a file of that name may have captions in it. */
export function isSidecarName(name: string): boolean {
  return EXTENSIONS.includes(extensionOf(name));
}

/**
 * By media file, those of `files` that go with it: of all whose name begins theirs, the one with the longest name.
 * Files that go with none are left out.
 */
export function sidecarsByMedia(
  media: readonly ObjectKey[],
  files: readonly ObjectInfo[],
): ReadonlyMap<ObjectKey, readonly Sidecar[]> {
  const byStem = Map.groupBy(media, stemOf);
  const found = new Map<ObjectKey, Sidecar[]>();
  for (const { key, etag } of files.toSorted((a, b) => (a.key < b.key ? -1 : 1))) {
    const parts: string[] = [];
    for (let stem = stemOf(key); ; stem = stemOf(stem)) {
      for (const mediaKey of byStem.get(stem) ?? []) {
        const sidecar = { key, etag, ...meaningOf(parts) };
        found.set(mediaKey, [...(found.get(mediaKey) ?? []), sidecar]);
      }
      const extension = stem.slice(stemOf(stem).length + 1);
      if (byStem.has(stem) || extension === '') break;
      parts.unshift(extension);
    }
  }
  return found;
}

/** What stands between the name of the media file and the extension, in any order. */
function meaningOf(parts: readonly string[]): Omit<Sidecar, 'key' | 'etag'> {
  let [language, kind, isForced]: [string, CaptionKind, boolean] = [UNDETERMINED, 'subtitles', false];
  const others: string[] = [];
  for (const part of parts) {
    const word = part.toLowerCase();
    if (FOR_THE_DEAF.has(word) && (word !== 'hi' || language !== UNDETERMINED)) kind = 'captions';
    else if (word === 'forced') isForced = true;
    else if (language === UNDETERMINED && canonicalLanguage(part) !== undefined)
      language = canonicalLanguage(part)!;
    else if (word !== 'default') others.push(part);
  }
  return { language, kind, isForced, ...(others.length === 0 ? {} : { label: others.join(' ') }) };
}

/** Without the last extension, where there is one. */
function stemOf(key: string): string {
  const dot = key.lastIndexOf('.');
  return dot > key.lastIndexOf('/') + 1 ? key.slice(0, dot) : key;
}
