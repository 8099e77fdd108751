/**
 * A streaming format: how the one stored copy of a video looks to a family of players. Pure: from what is
 * known of a video to manifests, and through them to addresses of stored segments, or to what is made of these.
 */
import type { Presentation } from '../media/presentation.ts';

/** What a format makes manifests of. */
export type FormatInput = {
  /** At least one track. */
  readonly presentation: Presentation;
  /** Part of every segment's address; safe in a URL. */
  readonly revision: string;
};

/** A text, known as soon as the video is planned. */
export type Manifest = {
  readonly kind: 'manifest';
  readonly mediaType: string;
  /** Every link in it is relative. */
  readonly text: string;
};

/** Names an object of the one stored copy: a segment by its index, or the init segment. */
export type StoredMedia = { readonly trackId: string; readonly index: number | 'init' };

/** The same samples in another wrapping, made of stored media when it is asked for, and never stored itself. */
export type Rewrapped = {
  readonly kind: 'rewrapped';
  readonly mediaType: string;
  readonly inputs: readonly StoredMedia[];
  /** Pure. Given the bytes of `inputs`, in their order; the same bytes give the same result. */
  make(inputs: readonly Uint8Array[]): Uint8Array;
};

/**
 * One file for a whole quality, of any length, put together from stored media as it is read. It exists once all of
 * `inputs` are stored, since only then it is known what lies where in it.
 */
export type Composed = {
  readonly kind: 'composed';
  readonly mediaType: string;
  readonly inputs: readonly StoredMedia[];
  /** Each call begins anew. */
  begin(): Composition;
};

/** Pure, but for what it has been given: the same heads give the same pieces. */
export type Composition = {
  /** Given once for each input, in their order. */
  add(head: MediaHead): void;
  /** The whole file, in order, once all heads were given. Ranges lie in segments of `inputs`. */
  pieces(): readonly Piece[];
};

/** The front of a stored object: all of an init segment, and of a segment everything but its media data. */
export type MediaHead = {
  readonly bytes: Uint8Array;
  /** Of the whole object. */
  readonly totalBytes: number;
};

/** Bytes as they are, or a part of stored media. */
export type Piece = Uint8Array | MediaPart;

/** Byte offsets, both inclusive. */
export type MediaPart = StoredMedia & { readonly start: number; readonly end: number };

/** What lies at a path of a format. */
export type Resolved = Manifest | Rewrapped | Composed;

/** A file that holds a whole quality by itself. */
export type QualityFile = {
  /** What people choose by: `480p`. */
  readonly quality: string;
  readonly path: string;
  /** What must be stored before it can be offered. */
  readonly trackIds: readonly string[];
};

/** Paths are relative to `/v/{id}/`, without a leading slash. */
export type Format = {
  /** Its name in the public interface. */
  readonly name: string;
  /** What a player is given, where one address stands for all qualities. */
  readonly entry?: string;
  /** What a player is given, where each quality has an address of its own; the best first. */
  qualities?(presentation: Presentation): readonly QualityFile[];
  /** Whether this format can hold the codecs of `presentation`; a format without it holds everything. */
  accepts?(presentation: Presentation): boolean;
  /** What lies at `path`; undefined where this format has nothing. */
  resolve(input: FormatInput, path: string): Resolved | undefined;
  /** Every path that `resolve` answers, the entry first. None of what it does not accept. */
  paths(input: FormatInput): readonly string[];
  /** Every other path below `/v/{id}/` that its manifests lead to; absent where they lead to none. */
  media?(input: FormatInput): readonly string[];
};
