/** What the outside (`server/`) may ask of the pipeline. */
import type { Video, VideoId } from '../catalog/video.ts';
import type { VideoPage, VideoQuery } from '../catalog/video-repository.ts';
import type { Presentation } from '../media/presentation.ts';
import type { Redirect, Resource } from './resource.ts';

/** Everything that `server/` is given. */
export type Services = {
  readonly videos: VideoService;
  readonly playback: PlaybackService;
  readonly health: HealthService;
};

export type VideoService = {
  list(query: VideoQuery): Promise<VideoPage>;
  /** Throws `not_found`. */
  get(id: VideoId): Promise<Video>;
  /** What can be played of a video; undefined until it has been inspected. */
  presentation(video: Video): Presentation | undefined;
  /** Which playback addresses exist, below `/v/{id}/`; nothing that would answer 404. */
  playback(video: Video): PlaybackPaths;
  /** 0 to 1: how much of all segments is stored. 1 for a ready-made package. */
  encodedFraction(video: Video): number;
};

/** Addresses below `/v/{id}/`; absent for what does not exist. */
export type PlaybackPaths = {
  readonly hls?: string;
  readonly dash?: string;
  readonly poster?: string;
};

export type PlaybackService = {
  /**
   * Whatever lies at `path` below `/v/{id}/`. A segment that is not stored yet is encoded while the caller
   * waits; firing `signal` (the viewer went away) gives up the wait, and the encode if nobody else wants it.
   * Throws `not_found`, `not_ready` (still inspecting), `unavailable` (took longer than 8 s: try again), or
   * the video's own failure code.
   */
  resolve(id: VideoId, path: string, signal: AbortSignal): Promise<Resource | Redirect>;
};

export type HealthService = {
  /** Resolves when the catalog, the store and the engine answer; throws `unavailable` with what does not. */
  ready(): Promise<void>;
};
