/** A file on its way in, as it is remembered: what was announced, never how much has arrived. */
import { AppError } from '../errors.ts';
import type { VideoId } from './video.ts';

declare const brand: unique symbol;

/** 32 hex digits, random: knowing it is the permission to write to the upload. Made by {@link newUploadId} or {@link parseUploadId}. */
export type UploadId = string & { readonly [brand]: 'UploadId' };

/**
 * How the bytes come. `resumable`: in requests that may break off and go on later. `direct`: in one go or not at
 * all. `pull`: fetched by us from an address.
 */
export type UploadOrigin = 'resumable' | 'direct' | 'pull';

/** `receiving`; then `complete`, or `ended` by its owner, by a failure or by time. */
export type UploadState = 'receiving' | 'complete' | 'ended';

/** How many bytes have arrived is for the partial object to say (storage/partial-objects.ts). */
export type StoredUpload = {
  readonly id: UploadId;
  readonly videoId: VideoId;
  readonly origin: UploadOrigin;
  readonly state: UploadState;
  /** As the user knows it: only shown, never used as a path. */
  readonly filename: string;
  readonly title?: string;
  /** Absent until it is announced. */
  readonly totalBytes?: number;
  /** Until then an unfinished one waits for more bytes, and the others are remembered. */
  readonly expiresAt: Date;
  /** For `pull`: the address as it was given. */
  readonly url?: string;
  /** For `pull`: what the other server calls these bytes (ETag or Last-Modified, as it came). */
  readonly validator?: string;
};

/** A new id from at least 16 random bytes. */
export function newUploadId(randomBytes: Uint8Array): UploadId {
  return randomBytes.subarray(0, 16).toHex() as UploadId;
}

/** Checks an id that came from outside; throws `not_found`, since no such upload can exist. */
export function parseUploadId(text: string): UploadId {
  if (!/^[0-9a-f]{32}$/.test(text)) throw new AppError('not_found', 'there is no such upload');
  return text as UploadId;
}
