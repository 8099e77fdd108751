/**
 * The Presentation: what can be played of a video, independent of any streaming format (the model of CMAF,
 * ISO/IEC 23000-19). A format is a pure function from this to manifests; a stored segment is addressed by
 * (track id, segment index) and nothing else.
 */
import type { CaptionTrack } from './captions.ts';
import type { Rational } from './time.ts';

/** Everything a format may know of a video. */
export type Presentation = {
  /** Tracks in order of preference: video from the highest rung down, then audio, stereo before surround. */
  readonly tracks: readonly Track[];
  /** Absent for none. */
  readonly captions?: readonly CaptionTrack[];
};

/** What is played at the same time as other tracks, or instead of them: one rung, or one language. */
export type Track = VideoTrack | AudioTrack;

export type VideoTrack = TrackBase & {
  readonly kind: 'video';
  /** Coded size in square pixels, always even. */
  readonly width: number;
  readonly height: number;
  /** Constant, frames a second. */
  readonly frameRate: Rational;
  /** There where the track is also offered for moving fast through the video. */
  readonly trickPlay?: TrickPlay;
};

/** The first frame of every segment, alone: each is an IDR frame, and lasts as long as its segment. */
export type TrickPlay = {
  /** No such frame has more than this on average over its segment's duration. */
  readonly peakBitsPerSecond: number;
};

export type AudioTrack = TrackBase & {
  readonly kind: 'audio';
  readonly channels: number;
  readonly sampleRate: number;
  /** BCP 47; absent where the source does not say. */
  readonly language?: string;
  readonly title?: string;
  readonly isDefault: boolean;
  /** What the sound is for, where it is not the main sound in some language. */
  readonly role?: AudioRole;
  /** Tracks with the same are one sound in several layouts (stereo, 5.1). Without it, the track stands alone. */
  readonly soundId?: string;
};

/** Words about the video; or a voice that tells those who do not see it what happens. */
export type AudioRole = 'commentary' | 'description';

type TrackBase = {
  /** Short and safe in a URL: `v480`, `a1`. Unique within the Presentation. */
  readonly id: string;
  /** What people choose by: `480p`, `Stereo`. */
  readonly label: string;
  /** RFC 6381: `avc1.64001e`, `mp4a.40.2`. */
  readonly codecs: string;
  /** Ticks a second of every time in this track. */
  readonly timescale: number;
  readonly bitrate: Bitrate;
  /** They tile the track: each starts where the one before ends, the first at 0. */
  readonly segments: readonly Segment[];
};

/** Bits a second. Known before anything is encoded: the cap of the rung, and what it usually needs. */
export type Bitrate = {
  /** No segment has more than this on average over its duration. */
  readonly peakBitsPerSecond: number;
  readonly averageBitsPerSecond: number;
};

/** One CMAF segment: one stored object. */
export type Segment = {
  /** 0-based; also the number in its address. */
  readonly index: number;
  readonly startTicks: number;
  readonly durationTicks: number;
};

/** The end of the last segment, in ticks of the track's timescale. */
export function trackDurationTicks(track: Track): number {
  const last = track.segments.at(-1);
  return last === undefined ? 0 : last.startTicks + last.durationTicks;
}

/** The longest track's duration in seconds. */
export function presentationDurationSeconds(presentation: Presentation): number {
  return Math.max(0, ...presentation.tracks.map((track) => trackDurationTicks(track) / track.timescale));
}

/** The address of a track's init segment below `/v/{id}/`. Immutable: a changed source has a new revision. */
export function initPath(revision: string, trackId: string): string {
  return `cmaf/${revision}/${trackId}/init.mp4`;
}

/** The address of a segment below `/v/{id}/`. Immutable, as {@link initPath}. */
export function segmentPath(revision: string, trackId: string, index: number): string {
  return `cmaf/${revision}/${trackId}/${index}.m4s`;
}

/**
 * The sound that plays when nobody chooses: the default one, in stereo where there is stereo, since everything can
 * play that. Undefined where there is no sound.
 */
export function defaultAudio(tracks: readonly Track[]): AudioTrack | undefined {
  const audio = tracks.filter(isAudio);
  const everywhere = audio.filter((track) => !isSurround(track));
  const candidates = everywhere.length > 0 ? everywhere : audio;
  return candidates.find((track) => track.isDefault) ?? candidates[0];
}

/** Whether `track` has more than stereo. */
export function isSurround(track: Pick<AudioTrack, 'channels'>): boolean {
  return track.channels > 2;
}

/**
 * The address of the first frame of a segment below `/v/{id}/`, as a segment of its own behind the same init
 * segment. Immutable, as {@link initPath}.
 */
export function trickPath(revision: string, trackId: string, index: number): string {
  return `${TRICK_FOLDER}/${revision}/${trackId}/${index}.m4s`;
}

/** What addresses of trick play begin with. */
export const TRICK_FOLDER = 'trick';

/** Names the sound that a track is one layout of: see {@link AudioTrack}. */
export function soundIdOf(track: AudioTrack): string {
  return track.soundId ?? track.id;
}

/** Whether `track` has pictures. */
export function isVideo(track: Track): track is VideoTrack {
  return track.kind === 'video';
}

/** Whether `track` has sound. */
export function isAudio(track: Track): track is AudioTrack {
  return track.kind === 'audio';
}
