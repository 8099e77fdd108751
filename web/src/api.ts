/** The JSON API as the pages see it (design, section 8). What does not exist yet is absent. */

import { sentence } from './text.ts';

export type VideoStatus = 'uploading' | 'inspecting' | 'playable' | 'ready' | 'failed';

export type Track = {
  readonly id: string;
  readonly kind: 'video' | 'audio';
  readonly label: string;
  readonly codecs: string;
  readonly width?: number;
  readonly height?: number;
  readonly frameRate?: number;
  readonly channels?: number;
  readonly language?: string;
};

export type Video = {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly status: VideoStatus;
  readonly error?: { readonly code: string; readonly message: string };
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly durationSeconds?: number;
  readonly width?: number;
  readonly height?: number;
  readonly frameRate?: number;
  readonly source: {
    readonly name: string;
    readonly bytes: number;
    readonly container?: string;
    readonly videoCodec?: string;
    readonly audioCodecs?: readonly string[];
  };
  /** Empty until inspected. */
  readonly tracks: readonly Track[];
  /** How much of all segments is stored, 0 to 1. */
  readonly encodedFraction: number;
  readonly playback: {
    readonly hls?: string;
    readonly dash?: string;
    readonly poster?: string;
    readonly watch: string;
    readonly embed: string;
  };
};

export type VideoPage = { readonly items: readonly Video[]; readonly nextCursor?: string };

/** A refusal of the API (RFC 9457), or of the network: then `status` is 0. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
  }
}

/** One page of the library, newest first. */
export function listVideos(
  query: { limit: number; cursor?: string | undefined; q?: string },
  signal: AbortSignal,
): Promise<VideoPage> {
  const params = new URLSearchParams({ limit: String(query.limit) });
  if (query.cursor !== undefined) params.set('cursor', query.cursor);
  if (query.q) params.set('q', query.q);
  return getJson(`/api/v1/videos?${params}`, signal);
}

/** One video; an {@link ApiError} of status 404 where there is none. */
export function getVideo(id: string, signal: AbortSignal): Promise<Video> {
  return getJson(`/api/v1/videos/${encodeURIComponent(id)}`, signal);
}

/** Whether there is sound and no picture. False while that is not known. */
export function isAudioOnly(video: Video): boolean {
  return video.tracks.length > 0 && video.tracks.every(({ kind }) => kind === 'audio');
}

/** Whether the page still has to ask for news of a video. */
export function isSettled(video: Video): boolean {
  return video.status === 'ready' || video.status === 'failed';
}

/**
 * The same address on the origin that served this page. The API answers with the public origin, which may be
 * another name of the same server (localhost, a LAN address), and that the page's own policy would refuse.
 */
export function onThisOrigin(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  const url = new URL(address, location.href);
  return url.pathname + url.search;
}

async function getJson<T>(path: string, signal: AbortSignal): Promise<T> {
  const response = await fetch(path, { signal, headers: { accept: 'application/json' } }).catch(
    (error: unknown) => {
      if (signal.aborted) throw error;
      throw new ApiError(0, 'The server cannot be reached.');
    },
  );
  if (!response.ok) throw new ApiError(response.status, await problemText(response));
  return (await response.json()) as T;
}

async function problemText(response: Response): Promise<string> {
  const problem = (await response.json().catch(() => ({}))) as { title?: string; detail?: string };
  return sentence(problem.detail ?? problem.title ?? `the server answered with status ${response.status}`);
}
