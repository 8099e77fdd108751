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

/** What lies at a path of a format. */
export type Resolved = Manifest | Rewrapped;

/** Paths are relative to `/v/{id}/`, without a leading slash. */
export type Format = {
  /** Its name in the public interface. */
  readonly name: string;
  /** What a player is given. */
  readonly entry: string;
  /** What lies at `path`; undefined where this format has nothing. */
  resolve(input: FormatInput, path: string): Resolved | undefined;
  /** Every path that `resolve` answers, the entry first. */
  paths(input: FormatInput): readonly string[];
};
