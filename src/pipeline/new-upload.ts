/** What the catalog is told of a new upload: the upload itself, and the video that it becomes. */
import { randomBytes } from 'node:crypto';
import { newUploadId, type StoredUpload } from '../catalog/upload.ts';
import { newVideoId, type Video, type VideoId } from '../catalog/video.ts';
import { joinKey, type ObjectKey } from '../storage/object-key.ts';
import type { UploadRequest } from './services.ts';
import { uploadName, uploadTitle } from './upload-names.ts';

/** Where the bytes of an uploaded video lie, in the store of sources. */
export function sourceKey(id: VideoId): ObjectKey {
  return joinKey('sources', id);
}

/** Nothing of it has arrived. */
export function newUpload(
  request: UploadRequest,
  from: Pick<StoredUpload, 'origin' | 'url' | 'validator'>,
  { at, expiryMs }: { readonly at: Date; readonly expiryMs: number },
): { readonly upload: StoredUpload; readonly video: Video } {
  const filename = uploadName(request.filename);
  const { bytes, title } = request;
  const id = newVideoId(at.getTime(), randomBytes(10));
  const upload: StoredUpload = {
    ...from,
    id: newUploadId(randomBytes(16)),
    videoId: id,
    state: 'receiving',
    filename,
    ...(title === undefined ? {} : { title }),
    ...(bytes === undefined ? {} : { totalBytes: bytes }),
    expiresAt: expiryAfter(at, expiryMs),
  };
  const video: Video = {
    id,
    title: uploadTitle(title, filename),
    description: '',
    visibility: 'public',
    status: 'uploading',
    createdAt: at,
    updatedAt: at,
    source: { origin: 'upload', key: sourceKey(id), name: filename, bytes: bytes ?? 0, etag: '' },
    revision: '',
  };
  return { upload, video };
}

/** When an upload expires that showed life at `at`. */
export function expiryAfter(at: Date, expiryMs: number): Date {
  return new Date(at.getTime() + expiryMs);
}

/** Whether nobody ever began to write to it. */
export function isUntouched({ expiresAt }: StoredUpload, { createdAt }: Video, expiryMs: number): boolean {
  return expiresAt.getTime() === expiryAfter(createdAt, expiryMs).getTime();
}
