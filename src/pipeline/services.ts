/** What the outside (`server/`) may ask of the pipeline. */
import type { ByteRange } from '../media/byte-range.ts';
import type { UploadId } from '../catalog/upload.ts';
import type { Video, VideoId } from '../catalog/video.ts';
import type { VideoPage, VideoQuery } from '../catalog/video-repository.ts';
import type { ListedCaption } from './captions-of-video.ts';
import type { SegmentState, VideoEvents } from './events.ts';
import type { CaptionKind } from '../media/captions.ts';
import type { Presentation } from '../media/presentation.ts';
import type { Redirect, Resource } from './resource.ts';

/** Everything that `server/` is given. */
export type Services = {
  readonly videos: VideoService;
  readonly captions: CaptionService;
  readonly posters: PosterService;
  readonly playback: PlaybackService;
  readonly health: HealthService;
  readonly ingest: IngestService;
  readonly events: VideoEvents;
};

export type VideoService = {
  list(query: VideoQuery): Promise<VideoPage>;
  /** Throws `not_found`. */
  get(id: VideoId): Promise<Video>;
  /** What can be played of a video; undefined until it has been inspected. */
  presentation(video: Video): Presentation | undefined;
  /** Every caption track that viewers are offered, also before the video can be played. */
  captions(video: Video): readonly ListedCaption[];
  /** Which playback addresses exist, below `/v/{id}/`; nothing that would answer 404. */
  playback(video: Video): PlaybackPaths;
  /** Changes what a person may change. Throws `not_found`, `invalid_request` (more metadata than may be). */
  update(id: VideoId, change: VideoEdit): Promise<Video>;
  /**
   * Stops all work on it, removes every object of it; its addresses answer 404 from the moment this resolves.
   * Throws `not_found`; `invalid_request` for a library video, whose file is not ours to delete.
   */
  delete(id: VideoId): Promise<void>;
  /** The state of every segment of every track: what the encode map shows. */
  encodeMap(video: Video): EncodeMap;
  /** 0 to 1: how much of all segments is stored. 1 for a ready-made package. */
  encodedFraction(video: Video): number;
};

export type CaptionService = {
  /**
   * Adds captions, or replaces those uploaded in this language. `body` is WebVTT or SubRip in any common encoding.
   * Throws `not_found`, `invalid_request` (no language, or a package), `captions_too_large`, `captions_empty`,
   * `captions_not_text`, `captions_invalid`.
   */
  put(
    id: VideoId,
    language: string,
    edit: CaptionEdit,
    body: ReadableStream<Uint8Array>,
    signal: AbortSignal,
  ): Promise<{ readonly caption: ListedCaption; readonly isNew: boolean }>;
  /** Removes what was uploaded in this language. Throws `not_found`. */
  delete(id: VideoId, language: string): Promise<void>;
};

export type PosterService = {
  /**
   * The frame shown at this time becomes the poster. Throws `not_found` (also for sound alone), `not_ready`,
   * `invalid_request` (no such time), and what the source fails with.
   */
  chooseFrame(id: VideoId, seconds: number, signal: AbortSignal): Promise<Video>;
  /**
   * A picture (JPEG, PNG, WebP) becomes the poster. Throws `not_found`, `source_empty`, `source_too_large`,
   * `unsupported_media_type`, `source_damaged`.
   */
  choosePicture(id: VideoId, body: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<Video>;
  /** Sluice chooses again. Throws `not_found`. */
  reset(id: VideoId): Promise<Video>;
};

/** What is said of captions besides their text. */
export type CaptionEdit = {
  /** Without one, people choose by the name of the language. */
  readonly label?: string;
  readonly kind: CaptionKind;
  /** Then no other of the video's is. */
  readonly isDefault: boolean;
};

/** Addresses below `/v/{id}/`; absent for what does not exist. */
export type PlaybackPaths = {
  readonly hls?: string;
  readonly dash?: string;
  readonly hlsTs?: string;
  /** With a query once somebody has chosen one, so that every choice has an address of its own. */
  readonly poster?: string;
  /** Files of whole qualities, the best first: only those that are stored completely. */
  readonly mp4?: readonly QualityPath[];
  readonly storyboard?: string;
};

/** The address of a file that holds a whole quality. */
export type QualityPath = { readonly quality: string; readonly path: string };

export type PlaybackService = {
  /**
   * Whatever lies at `path` below `/v/{id}/`. A segment that is not stored yet is encoded while the caller
   * waits; firing `signal` (the viewer went away) gives up the wait, and the encode if nobody else wants it.
   * Throws `not_found`, `not_ready` (still inspecting), `unavailable` (took longer than 8 s: try again), or
   * the video's own failure code. `willRead`: see `storeResource`; what it is of no use for ignores it.
   */
  resolve(id: VideoId, path: string, signal: AbortSignal, willRead?: ByteRange): Promise<Resource | Redirect>;
};

export type HealthService = {
  /** Resolves when the catalog, the store and the engine answer; throws `unavailable` with what does not. */
  ready(): Promise<void>;
};

/** A person's change to a video; what is absent stays. */
export type VideoEdit = {
  readonly title?: string;
  readonly description?: string;
  readonly visibility?: Video['visibility'];
  /** Merged into what is there (RFC 7396): `null` removes an entry, what is not named stays. */
  readonly metadata?: Readonly<Record<string, string | null>>;
};

/** By track id, one state for each segment in order. */
export type EncodeMap = Readonly<Record<string, readonly SegmentState[]>>;

/** Ways in for new videos. All stream: memory does not grow with the file. */
export type IngestService = {
  /** The largest file that is taken; absent where there is no limit. */
  readonly maxBytes?: number;
  /**
   * Registers a video of status `uploading`, and the upload that will fill it. Throws `source_too_large`,
   * `source_empty` (length 0), `object_store_full` (not enough room left).
   */
  createUpload(request: UploadRequest): Promise<Upload>;
  /** Throws `not_found`; `gone` once it has expired or was ended. */
  upload(id: UploadId): Promise<Upload>;
  /**
   * Adds bytes at `offset`, durable when this resolves. What arrived before a break (`signal`, a failing body)
   * is kept as well, and counted by `upload()`. When the last byte is in, the video leaves `uploading`.
   * Throws `offset_mismatch`, `invalid_request` (more bytes than announced), `source_too_large`,
   * `object_store_full`, `unavailable` (another request is writing to it just now), and `source_not_media` where
   * the first bytes tell that it is none: then upload and video are gone.
   */
  append(
    id: UploadId,
    offset: number,
    body: ReadableStream<Uint8Array>,
    signal: AbortSignal,
  ): Promise<Upload>;
  /** For uploads created without a length. Throws as `createUpload`, and `invalid_request` if it was known. */
  declareLength(id: UploadId, bytes: number): Promise<Upload>;
  /** Ends the upload and removes its video. Throws as `upload`, and `invalid_request` once it is complete. */
  terminate(id: UploadId): Promise<void>;
  /** A whole file in one go (multipart, import). Anything going wrong leaves nothing behind. */
  addFile(
    request: Omit<UploadRequest, 'bytes'> & { readonly bytes?: number },
    body: ReadableStream<Uint8Array>,
    signal: AbortSignal,
  ): Promise<Video>;
  /**
   * Fetches from an address: resolves when the other server has begun to answer, and goes on in the background;
   * the video is `uploading` meanwhile. Throws `invalid_request` (no http or https address), `url_forbidden`,
   * `url_unreachable`, and as `createUpload`. What goes wrong later ends in a `failed` video.
   */
  addFromUrl(request: { readonly url: string; readonly title?: string }): Promise<Video>;
};

export type { UploadId };

/** What is known of a file before its first byte. */
export type UploadRequest = {
  /** The file's name, as the user knows it: only shown, never used as a path. */
  readonly filename: string;
  readonly title?: string;
  /** Absent where the client will say later. */
  readonly bytes?: number;
};

/** An upload under way or just completed. */
export type Upload = {
  readonly id: UploadId;
  readonly videoId: VideoId;
  readonly filename: string;
  readonly title?: string;
  readonly totalBytes?: number;
  readonly receivedBytes: number;
  /** After this it is removed with its video, unless more bytes arrive. */
  readonly expiresAt: Date;
  readonly isComplete: boolean;
};
