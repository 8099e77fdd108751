/** The thing a user sees: one source, one Presentation, a title. */
import { AppError, type ErrorCode } from '../errors.ts';
import type { PackageInfo } from '../media/package.ts';
import type { SourceInfo } from '../media/source.ts';
import type { Caption } from './caption.ts';
import type { ObjectKey } from '../storage/object-key.ts';

declare const brand: unique symbol;

/** `vid_` and 32 hex digits, 48 bits of Unix milliseconds then 80 random bits: sorts by creation. Made by {@link newVideoId} or {@link parseVideoId}. */
export type VideoId = string & { readonly [brand]: 'VideoId' };

/** How far a video has come; what each status means is in the public interface (design, section 8). */
export type VideoStatus = 'uploading' | 'inspecting' | 'playable' | 'ready' | 'failed';
/** Every status, in the order in which a video goes through them. */
export const VIDEO_STATUSES: readonly VideoStatus[] = [
  'uploading',
  'inspecting',
  'playable',
  'ready',
  'failed',
];

export type Video = {
  readonly id: VideoId;
  readonly title: string;
  readonly description: string;
  readonly visibility: 'public' | 'private';
  readonly status: VideoStatus;
  /** Why `status` is `failed`; absent otherwise. */
  readonly error?: { readonly code: ErrorCode; readonly message: string };
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly source: VideoSource;
  /** Names these source bytes and this way of cutting them; part of every media address. Safe in a URL. */
  readonly revision: string;
  /** What inspection found; absent until then, and where it failed. */
  readonly content?: VideoContent;
  readonly metadata?: VideoMetadata;
  /** Those that were added; absent for none. */
  readonly captions?: readonly Caption[];
  /** Names the poster that somebody chose; absent where Sluice chooses. */
  readonly poster?: string;
};

/** Whatever users keep with a video: Sluice itself makes nothing of it. */
export type VideoMetadata = Readonly<Record<string, string>>;

export type VideoSource = {
  /** A library video belongs to the library folder: it is never written, changed or deleted by Sluice. */
  readonly origin: 'library' | 'upload';
  /** Where the bytes lie, in the store of that origin. For a package, its entry manifest. */
  readonly key: ObjectKey;
  /** The path below the library folder, or the uploaded file's name. */
  readonly name: string;
  readonly bytes: number;
  /** Changes when the bytes may have changed; for a package it covers all its files. */
  readonly etag: string;
};

/** What there is to play: a media file that we encode, or a package that is played as it is. */
export type VideoContent =
  | {
      readonly kind: 'media';
      readonly source: SourceInfo;
      /** Names how an upload's segments are cut and described: what a later release plans must fit what is stored. */
      readonly cut?: string;
    }
  | { readonly kind: 'package'; readonly package: PackageInfo };

/** A new id that sorts after every earlier one from this process's clock. */
export function newVideoId(now: number, randomBytes: Uint8Array): VideoId {
  const time = now.toString(16).padStart(12, '0');
  const random = [...randomBytes.subarray(0, 10)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `vid_${time}${random}` as VideoId;
}

/** Checks an id that came from outside; throws `not_found`, since no such video can exist. */
export function parseVideoId(text: string): VideoId {
  if (!/^vid_[0-9a-f]{32}$/.test(text)) throw new AppError('not_found', 'there is no such video');
  return text as VideoId;
}
