/** The samples of one stream in some segment of a package, whatever it was wrapped in. */
import type { TrackDescription } from '../../containers/isobmff/track-description.ts';

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

export type StreamSamples = {
  /** track_ID in MP4, the PID in a transport stream, 0 where nothing else can be inside. */
  readonly streamId: number;
  readonly description: StreamDescription;
  /** Ticks of the stream's own clock, counted on from the first sample where that clock begins anew. */
  readonly samples: readonly StreamSample[];
  /** After so many ticks the clock begins anew; absent where it does not. */
  readonly wrapTicks?: number;
};

export type StreamSample = {
  readonly decodeTicks: number;
  /** May be negative. */
  readonly compositionOffsetTicks: number;
  /** Of the last one: what is likely. */
  readonly durationTicks: number;
  readonly isSync: boolean;
  /** As MP4 has it. */
  readonly data: Uint8Array;
};

/** What an init segment says, but for the numbers that differ from track to track. */
export type StreamDescription = DistributiveOmit<TrackDescription, 'trackId' | 'presentationOffsetTicks'> & {
  /** RFC 6381. */
  readonly codecs: string;
  /** The composition time that is presented at 0. */
  readonly editTicks: number;
};
