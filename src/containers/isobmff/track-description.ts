/** What an init segment says of its one track. */
export type TrackDescription =
  | VideoDescription
  | AudioDescription
  | (Omit<VideoDescription, 'avcC' | 'color'> & ReadySampleEntry)
  | (Omit<AudioDescription, 'audioSpecificConfig'> & ReadySampleEntry);

/** The box that sets up the decoder, of whatever codec, as another file has it (ISO/IEC 14496-12 8.5.2). */
export type ReadySampleEntry = { readonly sampleEntry: Uint8Array };

export type VideoDescription = DescriptionBase & {
  readonly kind: 'video';
  /** In pixels; pixels are square. */
  readonly width: number;
  readonly height: number;
  /** AVCDecoderConfigurationRecord (ISO/IEC 14496-15 5.3.3.1). */
  readonly avcC: Uint8Array;
  readonly color?: ColorDescription;
};

export type AudioDescription = DescriptionBase & {
  readonly kind: 'audio';
  readonly channels: number;
  /** In hertz, below 65536. */
  readonly sampleRate: number;
  /** AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1). */
  readonly audioSpecificConfig: Uint8Array;
};

/** Code points of ISO/IEC 23091-2 (formerly 23001-8); 2 is "unspecified". */
export type ColorDescription = {
  readonly primaries: number;
  readonly transfer: number;
  readonly matrix: number;
  readonly isFullRange: boolean;
};

type DescriptionBase = {
  /** Not 0, and different for each track that may be put into one file. */
  readonly trackId: number;
  /** Ticks a second. */
  readonly timescale: number;
  /**
   * The composition time that is presented at 0, in ticks: the reorder delay of video with B-frames, the
   * priming of audio. An edit list takes it off, so that players start at 0 (ISO/IEC 23000-19 7.5.13).
   */
  readonly presentationOffsetTicks: number;
};
