/**
 * Which files a manifest refers to, for telling the parts of packages from videos of their own. Unlike reading
 * a package this never fails: of a broken manifest it takes what can be made out.
 */
import { isAppError } from '../errors.ts';
import type { ObjectKey } from '../storage/object-key.ts';
import { filesOf } from './dash-package.ts';
import { parseMpd } from './dash/parse-mpd.ts';
import { parseAttributeList } from './hls/attribute-list.ts';
import { isMultivariant, playlistLines } from './hls/parse-playlist.ts';
import { keyAt, locationOf, resolveLocation } from './reference.ts';

export type ManifestClaims = {
  readonly kind: 'multivariant' | 'media' | 'dash';
  /** Manifests of their own (variants) and other files. Some may not exist. */
  readonly references: ReadonlySet<ObjectKey>;
  /** What templates of a broken MPD begin and end with. */
  readonly patterns: readonly KeyPattern[];
};

/** Every key that begins and ends so. */
export type KeyPattern = { readonly start: string; readonly end: string };

/** More than any real manifest: of a hostile one the rest is left out. */
const MAX_TOKENS = 200_000;
const MAX_PATTERNS = 100;

/** The claims of the manifest `key`, whatever `text` is. */
export function claimsOf(key: ObjectKey, text: string): ManifestClaims {
  return /\.mpd$/i.test(key) ? dashClaims(key, text) : hlsClaims(key, text);
}

/** What is known of a manifest that cannot be read at all. */
export function noClaims(key: ObjectKey): ManifestClaims {
  return { kind: /\.mpd$/i.test(key) ? 'dash' : 'media', references: new Set(), patterns: [] };
}

function hlsClaims(key: ObjectKey, text: string): ManifestClaims {
  const lines = playlistLines(text).slice(0, MAX_TOKENS);
  const kind = isMultivariant(lines) ? 'multivariant' : 'media';
  // Playlists of audio players have the same extension, and name songs and films that are videos of their own.
  if (!lines.some((line) => line.startsWith('#EXT-X-'))) return noClaims(key);
  const uris = lines.flatMap((line) => {
    if (!line.startsWith('#')) return [line];
    const uri = line.includes('URI="')
      ? parseAttributeList(line.slice(line.indexOf(':') + 1)).get('URI')
      : undefined;
    return uri === undefined ? [] : [uri];
  });
  return { kind, references: resolveAll(key, uris), patterns: [] };
}

function dashClaims(key: ObjectKey, text: string): ManifestClaims {
  try {
    return { kind: 'dash', references: new Set(filesOf(parseMpd(text, locationOf(key)))), patterns: [] };
  } catch (error) {
    if (!isAppError(error)) throw error;
    return brokenDashClaims(key, text);
  }
}

/** Every word of the text that might be an address. Words that are none name files that do not exist. */
function brokenDashClaims(key: ObjectKey, text: string): ManifestClaims {
  const words = [...new Set(text.match(/[^\s"'<>=]+/g) ?? [])].slice(0, MAX_TOKENS);
  const folder = key.slice(0, key.lastIndexOf('/') + 1);
  const patterns = words
    .filter((word) => /\$\w+(%0\d+d)?\$/.test(word))
    .slice(0, MAX_PATTERNS)
    .map((word) => ({
      start: folder + word.slice(0, word.indexOf('$')),
      end: word.slice(word.lastIndexOf('$') + 1),
    }));
  return { kind: 'dash', references: resolveAll(key, words), patterns };
}

function resolveAll(key: ObjectKey, uris: readonly string[]): Set<ObjectKey> {
  const references = new Set<ObjectKey>();
  for (const uri of uris) {
    try {
      references.add(keyAt(resolveLocation(locationOf(key), uri)));
    } catch (error) {
      if (!isAppError(error)) throw error;
    }
  }
  return references;
}
