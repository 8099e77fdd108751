/**
 * A ready-made package: an HLS or DASH presentation that already lies in the library. It is played from where
 * it lies, its own playlists and segments unchanged.
 */
import type { ByteRange } from './byte-range.ts';
import type { CaptionKind } from './captions.ts';
import type { AudioTrack, Presentation } from './presentation.ts';

export type PackageInfo = {
  readonly format: 'hls' | 'dash';
  /** Key prefix that every file of the package lies below, '' for the library's own root. */
  readonly root: string;
  /** Path of the Multivariant Playlist (or a lone Media Playlist) or of the MPD, below `root`. */
  readonly entry: string;
  /** Every file that a player may fetch, the manifests included: nothing else in the folder is ever served. */
  readonly files: readonly PackageFile[];
  /**
   * What the package plays, as its manifests say. Times in each track's own timescale. What neither they nor
   * the media say is 0 or empty: size, frame rate (0/1), channels, sample rate, codecs. A variant with sound
   * inside is one video track whose `codecs` lists both.
   */
  readonly presentation: Pick<Presentation, 'tracks'>;
  /** Where the segments of each track of `presentation` lie, by track id. */
  readonly media: Readonly<Record<string, PackagedTrack>>;
  /** Texts that its manifests name and that can be read, in their order; absent for none. */
  readonly captions?: readonly PackagedCaption[];
  /** The same samples as CMAF, for formats that the package does not come in; absent where that cannot be. */
  readonly rewrapped?: RewrappedPackage;
};

/**
 * What a package plays as CMAF: picture and sound apart, on one timeline that begins at 0, in segments whose times are
 * those of the samples. Nothing of it is stored: a segment is made of the package's own as it is asked for.
 */
export type RewrappedPackage = {
  readonly presentation: Pick<Presentation, 'tracks'>;
  /** By track id of this presentation. */
  readonly sources: Readonly<Record<string, RewrappedTrack>>;
  /** What the manifest's clock shows at presentation time 0: in HLS that of the media, in DASH that of the Period. */
  readonly originSeconds: number;
};

export type RewrappedTrack = {
  /** The packaged track that it lies in. */
  readonly from: string;
  /** Which stream in there: track_ID in MP4, the PID in MPEG-TS, 0 for packed audio. */
  readonly streamId: number;
  /** track_ID in what is made; no two tracks have the same. */
  readonly trackNumber: number;
  /** The decode time in the source that is 0 in what is made, in ticks of the track. */
  readonly originTicks: number;
  /** Added to composition offsets, so that the first is not negative. */
  readonly compositionShiftTicks: number;
  /** For the edit list: the composition time in what is made that is presented at 0. */
  readonly presentationOffsetTicks: number;
  /** So much of the sound lies before presentation time 0; 0 for pictures. */
  readonly leadTicks: number;
  /** By segment, the first of the packaged segments that it is made of. */
  readonly firstParts: readonly number[];
};

export type PackageFile = {
  /** Below the package's root. */
  readonly path: string;
  /** `application/vnd.apple.mpegurl`, `video/mp2t`, `video/iso.segment`, ... */
  readonly mediaType: string;
};

export type PackagedTrack = {
  /** `other`: to be played as it lies, not to be rewrapped (encrypted, breaks in its timestamps, no init segment). */
  readonly container: 'fmp4' | 'mpegts' | 'aac' | 'webm' | 'webvtt' | 'other';
  /** Absent for containers that need none. */
  readonly init?: PackagedBytes;
  /** One for each segment of the track, in order. */
  readonly segments: readonly PackagedBytes[];
  /** The time in the media that the manifest presents at 0, in ticks of the track; absent for 0. */
  readonly manifestOriginTicks?: number;
  /** In a track of pictures, what the manifest says of the sound in the same segments; absent where it says nothing. */
  readonly sound?: PackagedSound;
};

/** As an {@link AudioTrack}. */
export type PackagedSound = Pick<
  AudioTrack,
  'label' | 'language' | 'title' | 'isDefault' | 'role' | 'soundId'
>;

/** A text of a package. What its manifest does not say is absent. */
export type PackagedCaption = {
  /** BCP 47. */
  readonly language?: string;
  readonly title?: string;
  readonly kind: CaptionKind;
  readonly isDefault: boolean;
  readonly isForced: boolean;
  /** `fmp4`: WebVTT in MP4 (ISO/IEC 14496-30). */
  readonly container: 'webvtt' | 'fmp4';
  readonly init?: PackagedBytes;
  readonly segments: readonly PackagedBytes[];
  /** The time in the text that the manifest presents at 0. */
  readonly manifestOriginSeconds: number;
};

/** A file of the package, by its path below the package's root, or a part of it. */
export type PackagedBytes = { readonly path: string; readonly range?: ByteRange };
