/** Reads playlists that others wrote: RFC 8216bis 4, lenient in what does not matter for playing. Pure. */
import { AppError } from '../../errors.ts';
import { parseAttributeList } from './attribute-list.ts';

/** Ticks a second of all times of a playlist: EXTINF has at most microseconds in practice. */
export const HLS_TIMESCALE = 1_000_000;

/** In one playlist, and in a package. Ten variants of five hours in one-second segments. */
export const MAX_SEGMENTS = 200_000;

/** Either of the two kinds (RFC 8216bis 4.1). */
export type Playlist = MultivariantPlaylist | MediaPlaylist;

export type MultivariantPlaylist = {
  readonly kind: 'multivariant';
  readonly variants: readonly Variant[];
  readonly renditions: readonly Rendition[];
  /** Playlists of I-frames alone, for seeking with pictures. */
  readonly iFramePlaylists: readonly string[];
  /** Session data and keys. */
  readonly otherFiles: readonly string[];
};

/** EXT-X-STREAM-INF (RFC 8216bis 4.4.6.2). */
export type Variant = { readonly uri: string; readonly attributes: ReadonlyMap<string, string> };

export type Rendition = {
  /** `AUDIO`, `VIDEO`, `SUBTITLES`, `CLOSED-CAPTIONS`. */
  readonly type: string;
  readonly groupId: string;
  /** Absent where the media lies inside the variant's own segments. */
  readonly uri?: string;
  readonly attributes: ReadonlyMap<string, string>;
};

export type MediaPlaylist = {
  readonly kind: 'media';
  readonly segments: readonly MediaSegment[];
  /** EXT-X-ENDLIST is there: nothing will be added. */
  readonly isEnded: boolean;
  readonly isEncrypted: boolean;
  readonly keyUris: readonly string[];
};

export type MediaSegment = {
  readonly uri: string;
  readonly durationTicks: number;
  /** Offsets inclusive. */
  readonly range?: { readonly start: number; readonly end: number };
  readonly init?: InitSection;
  /** Its timestamps do not go on from the segment before. */
  readonly isDiscontinuous: boolean;
};

/** EXT-X-MAP (RFC 8216bis 4.4.4.5). */
export type InitSection = {
  readonly uri: string;
  readonly range?: { readonly start: number; readonly end: number };
};

/** Throws `package_invalid` for what is not an HLS playlist. */
export function parsePlaylist(text: string): Playlist {
  const lines = playlistLines(text);
  // RFC 8216bis 4.4.1.1
  if (lines[0] !== '#EXTM3U') throw invalid('it does not begin with #EXTM3U');
  return isMultivariant(lines) ? parseMultivariant(lines) : parseMedia(lines);
}

/** The lines that say something, without the spaces around them. */
export function playlistLines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** RFC 8216bis 4.1: its URI lines name playlists. */
export function isMultivariant(lines: readonly string[]): boolean {
  return lines.some((line) => line.startsWith('#EXT-X-STREAM-INF:'));
}

function parseMultivariant(lines: readonly string[]): MultivariantPlaylist {
  const variants: Variant[] = [];
  const renditions: Rendition[] = [];
  const iFramePlaylists: string[] = [];
  const otherFiles: string[] = [];
  let pending: ReadonlyMap<string, string> | undefined;
  for (const line of lines) {
    const { name, value } = splitTag(line);
    if (name === undefined) {
      if (pending !== undefined) variants.push({ uri: line, attributes: pending });
      pending = undefined;
    } else if (name === '#EXT-X-STREAM-INF') {
      pending = parseAttributeList(value);
    } else if (name === '#EXT-X-MEDIA') {
      renditions.push(parseRendition(value));
    } else if (name === '#EXT-X-I-FRAME-STREAM-INF') {
      pushUri(iFramePlaylists, value);
    } else if (name === '#EXT-X-SESSION-DATA' || name === '#EXT-X-SESSION-KEY') {
      pushUri(otherFiles, value);
    }
  }
  if (variants.length === 0) throw invalid('it names no variant');
  return { kind: 'multivariant', variants, renditions, iFramePlaylists, otherFiles };
}

function parseRendition(value: string): Rendition {
  const attributes = parseAttributeList(value);
  const uri = attributes.get('URI');
  return {
    type: attributes.get('TYPE') ?? '',
    groupId: attributes.get('GROUP-ID') ?? '',
    ...(uri === undefined ? {} : { uri }),
    attributes,
  };
}

function pushUri(uris: string[], attributeList: string): void {
  const uri = parseAttributeList(attributeList).get('URI');
  if (uri !== undefined) uris.push(uri);
}

type MediaState = {
  durationTicks?: number | undefined;
  range?: ByteRangeTag | undefined;
  init?: InitSection | undefined;
  isDiscontinuous: boolean;
  /** The sub-range before, from which one without an offset goes on. */
  previous?: { readonly uri: string; readonly end: number } | undefined;
};

function parseMedia(lines: readonly string[]): MediaPlaylist {
  const segments: MediaSegment[] = [];
  const keyUris: string[] = [];
  const state: MediaState = { isDiscontinuous: false };
  let isEnded = false;
  let isEncrypted = false;
  let hasTargetDuration = false;
  for (const line of lines) {
    const { name, value } = splitTag(line);
    if (name === undefined) {
      if (state.durationTicks !== undefined) segments.push(takeSegment(state, line));
      if (segments.length > MAX_SEGMENTS) throw invalid('it has too many segments');
    } else if (name === '#EXTINF') {
      state.durationTicks = parseDuration(value);
    } else if (name === '#EXT-X-BYTERANGE') {
      state.range = parseByteRange(value);
    } else if (name === '#EXT-X-MAP') {
      state.init = parseMap(value);
    } else if (name === '#EXT-X-DISCONTINUITY') {
      state.isDiscontinuous = true;
    } else if (name === '#EXT-X-KEY') {
      pushUri(keyUris, value);
      isEncrypted ||= parseAttributeList(value).get('METHOD') !== 'NONE';
    } else if (name === '#EXT-X-ENDLIST') {
      isEnded = true;
    } else if (name === '#EXT-X-TARGETDURATION') {
      hasTargetDuration = true;
    }
  }
  // RFC 8216bis 4.4.3.1: required, and what tells HLS from the playlists of audio players.
  if (!hasTargetDuration) throw invalid('it has no #EXT-X-TARGETDURATION');
  if (segments.length === 0) throw invalid('it has no segments');
  return { kind: 'media', segments, isEnded, isEncrypted, keyUris };
}

function takeSegment(state: MediaState, uri: string): MediaSegment {
  const range = state.range === undefined ? undefined : rangeAfter(state.range, state.previous, uri);
  const segment: MediaSegment = {
    uri,
    durationTicks: state.durationTicks ?? 0,
    isDiscontinuous: state.isDiscontinuous,
    ...(range === undefined ? {} : { range }),
    ...(state.init === undefined ? {} : { init: state.init }),
  };
  state.previous = range === undefined ? undefined : { uri, end: range.end };
  state.durationTicks = undefined;
  state.range = undefined;
  state.isDiscontinuous = false;
  return segment;
}

/** RFC 8216bis 4.4.4.2: without an offset, a range goes on where the one before it in the same file ends. */
function rangeAfter({ length, offset }: ByteRangeTag, previous: MediaState['previous'], uri: string) {
  if (offset === undefined && previous?.uri !== uri)
    throw invalid('a byte range does not say where it starts');
  const start = offset ?? (previous?.end ?? -1) + 1;
  return { start, end: start + length - 1 };
}

/** RFC 8216bis 4.4.4.1: decimal seconds, then a comma and perhaps a title. */
function parseDuration(value: string): number {
  const seconds = /^\s*(\d{1,9}(?:\.\d{0,30})?)\s*(?:,|$)/.exec(value)?.[1];
  if (seconds === undefined) throw invalid('a segment has no readable duration');
  return Math.max(1, Math.round(Number(seconds) * HLS_TIMESCALE));
}

type ByteRangeTag = { readonly length: number; readonly offset?: number };

function parseByteRange(value: string): ByteRangeTag {
  const match = /^\s*(\d{1,15})(?:@(\d{1,15}))?\s*$/.exec(value);
  const length = Number(match?.[1] ?? 0);
  if (length === 0) throw invalid('a byte range cannot be read');
  return { length, ...(match?.[2] === undefined ? {} : { offset: Number(match[2]) }) };
}

/** RFC 8216bis 4.4.4.5: its byte range without an offset starts at 0. */
function parseMap(value: string): InitSection {
  const attributes = parseAttributeList(value);
  const uri = attributes.get('URI');
  if (uri === undefined) throw invalid('an #EXT-X-MAP has no URI');
  const range = attributes.get('BYTERANGE');
  if (range === undefined) return { uri };
  const { length, offset = 0 } = parseByteRange(range);
  return { uri, range: { start: offset, end: offset + length - 1 } };
}

/** A URI line has no name. Comments are tags that nobody knows. */
function splitTag(line: string): { readonly name?: string; readonly value: string } {
  if (!line.startsWith('#')) return { value: line };
  const colon = line.indexOf(':');
  return colon < 0 ? { name: line, value: '' } : { name: line.slice(0, colon), value: line.slice(colon + 1) };
}

function invalid(why: string): AppError {
  return new AppError('package_invalid', `this is not an HLS playlist that can be played: ${why}`);
}
