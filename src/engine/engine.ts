/** What the pipeline asks of the media engine. One implementation: FFmpeg in child processes (supervisor.ts). */
import type { Pace } from './pace.ts';
import type { SourceInfo } from '../media/source.ts';
import type { TrackEncoding } from '../media/plan.ts';
import type { WantedPicture } from './protocol.ts';

/** The bytes of a source, wherever they live. The child that decodes them never learns where that is. */
export type SourceBytes = {
  /** Names the source's bytes: equal for equal bytes, so that a child may keep a source open between jobs. */
  readonly identity: string;
  readonly bytes: number;
  /** At most `length` bytes from `offset`; fewer only at the end. Throws AppError. */
  read(offset: number, length: number, signal: AbortSignal): Promise<Uint8Array>;
};

/** One finished CMAF segment. */
export type EncodedSegment = { readonly trackId: string; readonly index: number; readonly bytes: Uint8Array };

export type EncodeRequest = {
  readonly source: SourceBytes;
  readonly info: SourceInfo;
  /** Either video tracks, all from one decode, or audio tracks, one decode for each sound of the source. */
  readonly encodings: readonly TrackEncoding[];
  /** Segment indexes: `first` up to, not including, `end`. */
  readonly first: number;
  readonly end: number;
  /** Background work runs at the lowest scheduling priority. */
  readonly priority: 'viewer' | 'background';
  readonly pace?: Pace;
};

/** One picture of a video. */
export type PictureRequest = {
  readonly source: SourceBytes;
  readonly info: SourceInfo;
  readonly wanted: WantedPicture;
  readonly priority: 'viewer' | 'background';
  readonly pace?: Pace;
};

/** Errors are `AppError`: the codes of sources (`source_...`), `encode_failed`, `encode_timeout`, `aborted`. */
export type MediaEngine = {
  /** Reads, without decoding, what a source is. */
  inspect(source: SourceBytes, signal: AbortSignal): Promise<SourceInfo>;
  /** The init segment of each encoding, by track id. Opens no source: it follows from the plan. */
  initSegments(
    encodings: readonly TrackEncoding[],
    info: SourceInfo,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Uint8Array>>;
  /**
   * Makes segments in order. Whoever iterates may stop at any time (`break`): the encode then ends at once.
   * The same segment of the same source always has the same times and frames, whichever run makes it.
   */
  encode(request: EncodeRequest, signal: AbortSignal): AsyncIterable<EncodedSegment>;
  /**
   * The texts inside a source, as WebVTT by stream index: of every one that inspection found, times counting from
   * presentation time 0. All of the source may have to be read for it.
   */
  captions(
    request: Pick<EncodeRequest, 'source' | 'info' | 'priority' | 'pace'>,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, Uint8Array>>;
  /** A JPEG of the video. */
  picture(request: PictureRequest, signal: AbortSignal): Promise<Uint8Array>;
  /**
   * A JPEG of a picture that somebody sent (JPEG, PNG or WebP), at most `maxSide` pixels on its longer side, upright,
   * without metadata. Throws `unsupported_media_type` for anything else, and `source_damaged`.
   */
  still(image: Uint8Array, maxSide: number, signal: AbortSignal): Promise<Uint8Array>;
  /** Starts a child and has it answer. */
  ping(signal: AbortSignal): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};
