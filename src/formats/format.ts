/**
 * A streaming format: how the one stored copy of a video looks to a family of players. Pure: from what is
 * known of a video to manifests, and through them to addresses of stored segments.
 */
import type { Presentation } from '../media/presentation.ts';

/** What a format makes manifests of. */
export type FormatInput = {
  /** At least one track. */
  readonly presentation: Presentation;
  /** Part of every segment's address; safe in a URL. */
  readonly revision: string;
};

export type Manifest = {
  readonly mediaType: string;
  /** Every link in it is relative. */
  readonly text: string;
};

/** Paths are relative to `/v/{id}/`, without a leading slash. */
export type Format = {
  /** Its name in the public interface. */
  readonly name: string;
  /** What a player is given. */
  readonly entry: string;
  /** The manifest at `path`; undefined where this format has none. */
  resolve(input: FormatInput, path: string): Manifest | undefined;
  /** Every path that `resolve` answers, the entry first. */
  paths(input: FormatInput): readonly string[];
};
