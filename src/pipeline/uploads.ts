/** Uploads from their first byte to the video: what is kept, what is locked, what is repaired after a crash. */
import { parseUploadId, type StoredUpload, type UploadId, type UploadOrigin } from '../catalog/upload.ts';
import type { UploadRepository } from '../catalog/upload-repository.ts';
import type { Video } from '../catalog/video.ts';
import type { VideoRepository } from '../catalog/video-repository.ts';
import type { Broadcast } from '../cluster/broadcast.ts';
import type { Leases } from '../cluster/leases.ts';
import { AppError, isAppError } from '../errors.ts';
import type { Job } from '../jobs/job-queue.ts';
import { headIfThere, sizeIfThere } from '../storage/if-there.ts';
import type { ObjectInfo, ObjectStore } from '../storage/object-store.ts';
import type { PartialObjects } from '../storage/partial-objects.ts';
import type { Change } from './change.ts';
import type { VideoEvents } from './events.ts';
import { revisionOf } from './library.ts';
import type { Log } from './log.ts';
import { MediaCheck } from './media-check.ts';
import { expiryAfter, isUntouched, newUpload, sourceKey } from './new-upload.ts';
import type { Room } from './room.ts';
import type { Upload, UploadRequest } from './services.ts';
import { UploadWriters } from './upload-writers.ts';
import { watchedBody } from './watched-body.ts';

export type UploadsOptions = {
  readonly videos: VideoRepository;
  readonly uploads: UploadRepository;
  readonly change: Change;
  readonly partials: PartialObjects;
  /** Where `partials` finishes objects. */
  readonly sources: ObjectStore;
  readonly room: Room;
  /** Sees to one writer at a time. */
  readonly leases: Leases;
  readonly broadcast: Broadcast;
  readonly events: VideoEvents;
  readonly log: Log;
  readonly now: () => Date;
  /** What is to be done with a video that has all its bytes, and is `inspecting`. */
  readonly jobsOfArrived: (video: Video) => readonly Job[];
  /** Of one file. */
  readonly maxBytes: number;
  /** How long an unfinished upload waits for more bytes. */
  readonly expiryMs: number;
};

/** What a writer knows of the bytes that it brings. */
export type WriteOptions = {
  /** They are all there is: a length that was not announced is known at their end. */
  readonly isWhole?: boolean;
  readonly signal: AbortSignal;
};

const PROGRESS_MS = 500;
/** Bytes of unknown number: after so many more, room is looked for again. */
const ROOM_CHECK_BYTES = 64 * 1024 * 1024;

/** All uploads: one writer at a time for each. */
export class Uploads {
  readonly #options: UploadsOptions;
  readonly #writers: UploadWriters;

  constructor(options: UploadsOptions) {
    this.#options = options;
    this.#writers = new UploadWriters(options.leases, options.broadcast);
  }

  /** Throws `source_empty`, `source_too_large`, `object_store_full`. */
  async create(
    request: UploadRequest,
    origin: UploadOrigin,
    from: Pick<StoredUpload, 'url' | 'validator'> = {},
    jobsOf: (upload: StoredUpload) => readonly Job[] = () => [],
  ): Promise<StoredUpload> {
    const { change, events, now, room, expiryMs } = this.#options;
    if (request.bytes !== undefined) this.#checkLength(request.bytes);
    const { upload, video } = newUpload(request, { origin, ...from }, { at: now(), expiryMs });
    const { id } = upload;
    await room.keep(id, request.bytes ?? 0);
    try {
      await this.#createPartial(upload);
      await change(async ({ uploads, videos, enqueue }) => {
        await uploads.insert(upload);
        await videos.insert(video);
        enqueue(jobsOf(upload));
      });
    } catch (error) {
      await this.#undoCreation(upload);
      throw error;
    }
    events.publish({ type: 'created', videoId: video.id });
    return upload;
  }

  /** Of what nobody is told of. The catalog may have it even so, where its answer was lost. */
  async #undoCreation({ id, videoId }: StoredUpload): Promise<void> {
    const { partials, videos, uploads, room } = this.#options;
    room.release(id);
    // What fails here is discarded as soon as someone looks after uploads.
    await Promise.allSettled([partials.remove(id), videos.delete(videoId), uploads.delete(id)]);
  }

  /** Throws `not_found`, and `gone` for what has ended or expired. */
  async find(id: UploadId): Promise<StoredUpload> {
    const upload = await this.#options.uploads.get(id);
    if (upload === undefined) throw new AppError('not_found', 'there is no such upload');
    const isExpired = upload.expiresAt <= this.#options.now() && !this.#writers.has(id);
    if (upload.state === 'ended' || (upload.state === 'receiving' && isExpired)) {
      throw new AppError('gone', 'this upload has ended');
    }
    return upload;
  }

  /** How far it has come; completes one whose last byte was in before anybody could be told. */
  async view(upload: StoredUpload): Promise<Upload> {
    if (upload.state === 'complete') return viewOf(upload, upload.totalBytes ?? 0);
    const received = await sizeIfThere(this.#options.partials, upload.id);
    if (received === undefined) return this.#viewUntold(upload);
    const isFull = received === upload.totalBytes && !this.#writers.has(upload.id);
    if (!isFull) return viewOf(upload, received);
    const completed = await this.#writers.tryAlone(upload.id, () => this.#complete(upload, received));
    return viewOf(completed?.result ?? upload, received);
  }

  /** Its bytes are an object already, and only the catalog was not told. */
  async #viewUntold(upload: StoredUpload): Promise<Upload> {
    const arrived = await headIfThere(this.#options.sources, sourceKey(upload.videoId));
    if (arrived === undefined) throw new AppError('gone', 'what had arrived of this upload is gone');
    const admitted = await this.#writers.tryAlone(upload.id, () => this.#admit(upload, arrived));
    return viewOf(admitted?.result ?? upload, arrived.bytes);
  }

  /** Throws `invalid_request` where the length is known already or less than what has arrived. */
  async declareLength(upload: StoredUpload, bytes: number): Promise<StoredUpload> {
    const { uploads, partials, room } = this.#options;
    this.#checkLength(bytes);
    const received = await partials.size(upload.id);
    if (bytes < received) throw new AppError('invalid_request', `${received} bytes have already arrived`);
    await room.keep(upload.id, bytes - received);
    const changed = await uploads.update(
      upload.id,
      { totalBytes: bytes },
      { state: 'receiving', isLengthUnknown: true },
    );
    if (changed === undefined) throw new AppError('invalid_request', 'the length is known already');
    return changed;
  }

  /** `IngestService.append`, for any origin. */
  async write(
    upload: StoredUpload,
    offset: number,
    body: ReadableStream<Uint8Array>,
    options: WriteOptions,
  ): Promise<StoredUpload & { readonly receivedBytes: number }> {
    try {
      return await this.#writers.alone(upload.id, async (signal) => {
        const both = AbortSignal.any([signal, options.signal]);
        const receivedBytes = await this.#receive(upload, offset, body, { ...options, signal: both });
        const whole = options.isWhole ? await this.#withLength(upload, receivedBytes) : upload;
        if (receivedBytes !== whole.totalBytes) return { ...whole, receivedBytes };
        return { ...(await this.#complete(whole, receivedBytes)), receivedBytes };
      });
    } catch (error) {
      if (!body.locked) await body.cancel(error).catch(() => {});
      if (isAppError(error, 'source_not_media') && upload.origin !== 'pull') await this.discard(upload);
      throw error;
    }
  }

  /** Throws away what has arrived, to start again from the first byte. */
  async restart(upload: StoredUpload): Promise<void> {
    const { partials } = this.#options;
    await this.#writers.alone(upload.id, async () => {
      await partials.remove(upload.id);
      await this.#createPartial(upload);
    });
  }

  /** Ends it: its writer is cut off; bytes and video go. */
  async discard(upload: StoredUpload): Promise<void> {
    const { videos, events } = this.#options;
    if (!(await this.end(upload))) return;
    await videos.delete(upload.videoId);
    events.publish({ type: 'deleted', videoId: upload.videoId });
  }

  /** Ends it: bytes go, and the video says why it `failed`. */
  async fail(upload: StoredUpload, { code, message }: AppError): Promise<void> {
    const { videos, events } = this.#options;
    if (!(await this.end(upload))) return;
    const change = { status: 'failed', error: { code, message } } as const;
    const failed = await videos.update(upload.videoId, change, { status: ['uploading'] });
    if (failed !== undefined) events.publish({ type: 'status', videoId: upload.videoId, status: 'failed' });
  }

  /** Ends it without a word on its video. False where it had ended or was completed before. */
  async end({ id }: StoredUpload): Promise<boolean> {
    const { uploads, partials, room, now, expiryMs } = this.#options;
    await this.#writers.stop(id, new AppError('gone', 'this upload has ended'));
    if ((await uploads.get(id))?.state !== 'receiving') return false;
    // First, so that there is room for the catalog to write on a full disk.
    await partials.remove(id);
    room.release(id);
    const expiresAt = expiryAfter(now(), expiryMs);
    const ended = await uploads.update(id, { state: 'ended', expiresAt }, { state: 'receiving' });
    return ended !== undefined;
  }

  /** Removes what nobody went on with, and the memory of what has long ended. */
  async sweep(): Promise<void> {
    const { uploads, partials, now } = this.#options;
    for (const upload of await uploads.listExpired(now())) {
      if (!(await this.#writers.isFree(upload.id))) continue;
      if (upload.state === 'receiving') await this.discard(upload);
      else await uploads.delete(upload.id);
    }
    await partials.tidy(new Date(now().getTime() - this.#options.expiryMs));
  }

  /**
   * Finishes what a crash left half done, and leaves alone what someone writes to or what has shown life within
   * `quietMs`. Answers with the pulls that are to go on.
   */
  async recover(quietMs: number): Promise<readonly StoredUpload[]> {
    const { uploads, partials, now, expiryMs } = this.#options;
    const before = now().getTime() - quietMs;
    const sizes = new Map<string, number>();
    const unknown = new Set<string>();
    for await (const { name, bytes, modifiedAt } of partials.list()) {
      sizes.set(name, bytes);
      if (modifiedAt.getTime() <= before) unknown.add(name);
    }
    for (const upload of await uploads.list('receiving')) {
      unknown.delete(upload.id);
      const isQuiet = upload.expiresAt.getTime() - expiryMs <= before;
      if (isQuiet && (await this.#writers.isFree(upload.id)))
        await this.#repair(upload, sizes.get(upload.id));
    }
    for (const name of unknown) {
      if ((await uploads.get(parseUploadId(name)))?.state !== 'receiving') await partials.remove(name);
    }
    return (await uploads.list('receiving')).filter(({ origin }) => origin === 'pull');
  }

  /** Cuts every writer of this process off; what arrived stays. */
  close(): Promise<void> {
    return this.#writers.stopAll(new AppError('unavailable', 'the server is stopping'));
  }

  #createPartial({ id, videoId, totalBytes: bytes }: StoredUpload): Promise<void> {
    return this.#options.partials.create(id, sourceKey(videoId), bytes === undefined ? {} : { bytes });
  }

  async #repair(upload: StoredUpload, received: number | undefined): Promise<void> {
    const { videos, uploads, sources, room } = this.#options;
    const video = await videos.get(upload.videoId);
    if (video === undefined || (upload.origin === 'direct' && video.status === 'uploading')) {
      // Whoever sent it in one go knows that it did not arrive; the others were never told of a video.
      await sources.delete(sourceKey(upload.videoId));
      return this.discard(upload);
    }
    if (video.status !== 'uploading') return void (await uploads.update(upload.id, { state: 'complete' }));
    if (received !== undefined && received !== upload.totalBytes) {
      return room.update(upload.id, Math.max(0, (upload.totalBytes ?? 0) - received));
    }
    if (received !== undefined) return void (await this.#complete(upload, received));
    const arrived = await headIfThere(sources, sourceKey(upload.videoId));
    if (arrived !== undefined) return void (await this.#admit(upload, arrived));
    // Its creation failed, and nobody was told of it.
    if (isUntouched(upload, video, this.#options.expiryMs)) return this.discard(upload);
    await this.fail(upload, new AppError('source_vanished', 'what had arrived of the file is gone'));
  }

  async #receive(
    upload: StoredUpload,
    offset: number,
    body: ReadableStream<Uint8Array>,
    { isWhole, signal }: WriteOptions,
  ): Promise<number> {
    const { partials, maxBytes } = this.#options;
    const before = await partials.size(upload.id);
    if (before !== offset) {
      throw new AppError('offset_mismatch', `the upload stands at ${before}, not at ${offset}`);
    }
    const limitBytes = Math.min(maxBytes, upload.totalBytes ?? maxBytes);
    const watched = this.#watch(upload, offset, body, isWhole ?? false);
    try {
      return await partials.append(upload.id, offset, watched, { signal, limitBytes });
    } catch (error) {
      const received = await partials.size(upload.id);
      // The last byte is in, and only the answer is not out yet: the video is complete all the same.
      if (isAppError(error, 'aborted') && received === upload.totalBytes) return received;
      if (isAppError(error, 'source_too_large') && received === upload.totalBytes) {
        const message = `more bytes arrived than the ${received} that were announced`;
        throw new AppError('invalid_request', message, { cause: error });
      }
      throw error;
    } finally {
      await this.#keepAlive(upload);
    }
  }

  #watch(
    upload: StoredUpload,
    offset: number,
    body: ReadableStream<Uint8Array>,
    isWhole: boolean,
  ): ReadableStream<Uint8Array> {
    const check = offset === 0 ? new MediaCheck() : undefined;
    let received = offset;
    let nextRoomCheck = offset + ROOM_CHECK_BYTES;
    const progress = this.#progress(upload);
    return watchedBody(body, {
      onBytes: (bytes) => {
        check?.add(bytes);
        received += bytes.length;
        progress(received);
        if (upload.totalBytes !== undefined || received < nextRoomCheck) return undefined;
        nextRoomCheck += ROOM_CHECK_BYTES;
        return this.#options.room.keep(upload.id, 0);
      },
      onEnd: () => {
        if (isWhole && received === 0) throw new AppError('source_empty', 'the file has no bytes');
        if (isWhole && upload.totalBytes !== undefined && received < upload.totalBytes) {
          throw new AppError('invalid_request', `the file ended after ${received} bytes`);
        }
        if (isWhole || received === upload.totalBytes) check?.end();
      },
    });
  }

  #progress({ id, videoId, totalBytes }: StoredUpload): (receivedBytes: number) => void {
    const { events, now, room } = this.#options;
    let lastAt = 0;
    return (receivedBytes) => {
      const at = now().getTime();
      if (at - lastAt < PROGRESS_MS && receivedBytes !== totalBytes) return;
      lastAt = at;
      room.update(id, Math.max(0, (totalBytes ?? 0) - receivedBytes));
      const total = totalBytes === undefined ? {} : { totalBytes };
      events.publish({ type: 'upload-progress', videoId, receivedBytes, ...total });
    };
  }

  async #keepAlive({ id }: StoredUpload): Promise<void> {
    const expiresAt = expiryAfter(this.#options.now(), this.#options.expiryMs);
    await this.#options.uploads.update(id, { expiresAt }, { state: 'receiving' });
  }

  async #withLength(upload: StoredUpload, bytes: number): Promise<StoredUpload> {
    if (upload.totalBytes !== undefined) return upload;
    return (await this.#options.uploads.update(upload.id, { totalBytes: bytes })) ?? upload;
  }

  async #complete(upload: StoredUpload, bytes: number): Promise<StoredUpload> {
    const arrived = await this.#options.partials.finish(upload.id, sourceKey(upload.videoId));
    if (arrived.bytes !== bytes) throw new AppError('internal', 'the file changed while it was completed');
    return this.#admit(upload, arrived);
  }

  /** The bytes are an object: the video becomes what they are. */
  async #admit(upload: StoredUpload, { key, bytes, etag }: ObjectInfo): Promise<StoredUpload> {
    const { change, sources, events, room, jobsOfArrived } = this.#options;
    const source = { origin: 'upload', key, name: upload.filename, bytes, etag } as const;
    const { video, complete } = await change(async ({ videos, uploads, enqueue }) => {
      const arrived = await videos.update(
        upload.videoId,
        { status: 'inspecting', source, revision: revisionOf(etag) },
        { status: ['uploading'] },
      );
      if (arrived !== undefined) enqueue(jobsOfArrived(arrived));
      return { video: arrived, complete: await uploads.update(upload.id, { state: 'complete' }) };
    });
    room.release(upload.id);
    if (video !== undefined) {
      events.publish({ type: 'status', videoId: video.id, status: video.status });
    } else if ((await this.#options.videos.get(upload.videoId))?.source.etag !== etag) {
      // It was deleted while its last bytes came. Otherwise somebody else has told the catalog just before.
      await sources.delete(key);
    }
    return complete ?? { ...upload, state: 'complete' };
  }

  #checkLength(bytes: number): void {
    if (bytes === 0) throw new AppError('source_empty', 'the file has no bytes');
    if (bytes > this.#options.maxBytes) {
      throw new AppError('source_too_large', `no more than ${this.#options.maxBytes} bytes are taken`);
    }
  }
}

function viewOf(upload: StoredUpload, receivedBytes: number): Upload {
  const { id, videoId, filename, title, totalBytes, expiresAt } = upload;
  return {
    id,
    videoId,
    filename,
    ...(title === undefined ? {} : { title }),
    ...(totalBytes === undefined ? {} : { totalBytes }),
    receivedBytes,
    expiresAt,
    isComplete: upload.state === 'complete',
  };
}
