/** What inspection finds out about a source, without decoding it. Plain data: it is kept in the catalog. */
import type { AudioRole } from './presentation.ts';
import type { Rational } from './time.ts';

export type SourceInfo = {
  /** FFmpeg's name of the demuxer that was forced: `mov`, `matroska`, `mpegts`. */
  readonly container: string;
  readonly bytes: number;
  /** The kept video track; absent for sound alone. */
  readonly video?: SourceVideo;
  /** Kept audio tracks, in order of preference: the first plays when nobody chooses. */
  readonly audio: readonly SourceAudio[];
  /** Kept texts, in the order of the file; absent for none. */
  readonly captions?: readonly SourceCaption[];
};

/** Where a track lies in time, in ticks of its own time base. Measured, not as the header claims. */
export type SourceSpan = {
  readonly timeBase: Rational;
  readonly startTicks: number;
  /** End of the last sample, exclusive. */
  readonly endTicks: number;
};

export type SourceVideo = SourceSpan & {
  /** FFmpeg's stream index. */
  readonly streamIndex: number;
  /** FFmpeg's name: `h264`, `hevc`, `vp9`. */
  readonly codec: string;
  readonly pixelFormat: string;
  /** As coded, before rotation and before the pixel aspect ratio. */
  readonly codedWidth: number;
  readonly codedHeight: number;
  /** As people see it: rotated, square pixels, rounded to whole pixels. */
  readonly displayWidth: number;
  readonly displayHeight: number;
  /** Clockwise turn for display, and whether it is mirrored left to right before the turn. */
  readonly rotationDegrees: 0 | 90 | 180 | 270;
  readonly isMirrored: boolean;
  readonly sampleAspectRatio: Rational;
  /** The constant rate of the output (design, section 5): the source's own, or the snapped one. */
  readonly frameRate: Rational;
  readonly isVariableFrameRate: boolean;
  /** Frames are two fields with half a frame's time between them: each field becomes a picture. */
  readonly isInterlaced: boolean;
  readonly color: SourceColor;
};

/** FFmpeg's names, `unknown` where the source does not say. */
export type SourceColor = {
  readonly range: string;
  readonly primaries: string;
  readonly transfer: string;
  readonly matrix: string;
};

/** One kept audio track. `language` is BCP 47; it and `title` are absent where the source does not say. */
export type SourceAudio = SourceSpan & {
  readonly streamIndex: number;
  readonly codec: string;
  readonly channels: number;
  readonly sampleRate: number;
  readonly language?: string;
  readonly title?: string;
  readonly isDefault: boolean;
  /** Absent for main sound, and where the source does not say. */
  readonly role?: AudioRole;
};

/** A text inside the source; pictures of text (PGS, DVB, VobSub) are not kept. `language` is BCP 47. */
export type SourceCaption = {
  readonly streamIndex: number;
  readonly codec: string;
  readonly language?: string;
  readonly title?: string;
  readonly isForced: boolean;
  /** For who cannot hear: it says more than what is spoken. */
  readonly isHearingImpaired: boolean;
};
