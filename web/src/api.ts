/** The JSON API as the pages see it (design, section 8). What does not exist yet is absent. */

import { apiKeyHeaders, askForApiKey } from './api-key.ts';
import type { SegmentsJson } from './encode-map/segments.ts';
import { problemText } from './problem.ts';

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
  readonly peakBitsPerSecond?: number;
};

export type Caption = {
  readonly language: string;
  readonly label: string;
  readonly kind: 'subtitles' | 'captions';
  readonly origin: 'uploaded' | 'source';
  readonly isDefault: boolean;
  readonly isForced: boolean;
  readonly url: string;
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
    /** What lies in the library folder is changed there, and is not deleted here. */
    readonly origin: 'library' | 'upload';
    readonly container?: string;
    readonly videoCodec?: string;
    readonly audioCodecs?: readonly string[];
  };
  /** Empty until inspected. */
  readonly tracks: readonly Track[];
  readonly captions: readonly Caption[];
  /** How much of all segments is stored, 0 to 1. */
  readonly encodedFraction: number;
  readonly playback: {
    readonly hls?: string;
    readonly dash?: string;
    /** Whole qualities as files: those that are stored completely. */
    readonly mp4?: readonly { readonly quality: string; readonly url: string }[];
    readonly hlsTs?: string;
    readonly poster?: string;
    readonly storyboard?: string;
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
  return getJson(videoPath(id), signal);
}

/** The state of every segment. */
export function getSegments(id: string, signal: AbortSignal): Promise<SegmentsJson> {
  return getJson(`${videoPath(id)}/segments`, signal);
}

/** What a person may change of a video; what is absent stays. */
export type VideoEdit = { readonly title?: string; readonly description?: string };

/** Changes a video and answers with how it is then. */
export async function editVideo(id: string, edit: VideoEdit): Promise<Video> {
  const response = await send(videoPath(id), 'PATCH', edit);
  return (await response.json()) as Video;
}

/** Makes the frame of this time the poster, or a picture; answers with how the video is then. */
export async function choosePoster(id: string, poster: number | Blob): Promise<Video> {
  const body = typeof poster === 'number' ? { timeSeconds: poster } : poster;
  const response = await send(`${videoPath(id)}/poster`, 'PUT', body);
  return (await response.json()) as Video;
}

/** Lets the server choose the poster again. */
export async function resetPoster(id: string): Promise<Video> {
  const response = await send(`${videoPath(id)}/poster`, 'DELETE');
  return (await response.json()) as Video;
}

/** Removes a video and everything of it. */
export async function deleteVideo(id: string): Promise<void> {
  await send(videoPath(id), 'DELETE');
}

/** What is said of captions besides their text. Without a label, people choose by the name of the language. */
export type CaptionEdit = {
  readonly label: string;
  readonly isForDeaf: boolean;
  readonly isDefault: boolean;
};

/** Adds captions, or replaces those that were uploaded in this language. */
export async function putCaptions(
  id: string,
  language: string,
  file: File,
  edit: CaptionEdit,
): Promise<Caption> {
  const query = new URLSearchParams({
    kind: edit.isForDeaf ? 'captions' : 'subtitles',
    default: String(edit.isDefault),
    ...(edit.label === '' ? {} : { label: edit.label }),
  });
  const response = await send(`${captionsPath(id, language)}?${query}`, 'PUT', file);
  return (await response.json()) as Caption;
}

/** Removes the captions that were uploaded in this language. */
export async function deleteCaptions(id: string, language: string): Promise<void> {
  await send(captionsPath(id, language), 'DELETE');
}

/** Lets the server fetch a video from an address. */
export async function addFromUrl(url: string): Promise<Video> {
  const response = await send('/api/v1/videos', 'POST', { source: { url } });
  return (await response.json()) as Video;
}

function captionsPath(id: string, language: string): string {
  return `${videoPath(id)}/captions/${encodeURIComponent(language)}`;
}

function videoPath(id: string): string {
  return `/api/v1/videos/${encodeURIComponent(id)}`;
}

/** Whether there is sound and no picture. False while that is not known. */
export function isAudioOnly(video: Video): boolean {
  return video.tracks.length > 0 && video.tracks.every(({ kind }) => kind === 'audio');
}

/** Whether it is a package, which is played as it lies: its captions are its own. */
export function isReadyMade({ source }: Video): boolean {
  return source.container === 'hls' || source.container === 'dash';
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
  const response = await reach(path, { signal, headers: { accept: 'application/json' } });
  return (await response.json()) as T;
}

/** For what changes something: asks the viewer for the key where the server wants one. A file is sent as it is. */
async function send(path: string, method: string, body?: unknown): Promise<Response> {
  const attempt = () => reach(path, { method, ...bodyOf(body, apiKeyHeaders()) });
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const isKeyWanted = error instanceof ApiError && error.status === 401;
      if (!isKeyWanted || !(await askForApiKey())) throw error;
    }
  }
}

function bodyOf(body: unknown, headers: Record<string, string>): RequestInit {
  if (body === undefined) return { headers };
  if (!(body instanceof Blob)) {
    return { headers: { ...headers, 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
  }
  // The server looks at the bytes: a file's type is the browser's guess.
  return { headers: { ...headers, 'Content-Type': 'application/octet-stream' }, body };
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  const response = await fetch(path, init).catch((error: unknown) => {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, 'The server cannot be reached.');
  });
  if (!response.ok) throw new ApiError(response.status, problemText(await response.text(), response.status));
  return response;
}
