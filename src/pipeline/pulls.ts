/** Videos fetched from addresses: jobs that go on where a broken connection, or a restart, left them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { parseUploadId, type StoredUpload } from '../catalog/upload.ts';
import type { UploadRepository } from '../catalog/upload-repository.ts';
import type { Video } from '../catalog/video.ts';
import type { VideoRepository } from '../catalog/video-repository.ts';
import { AppError, type ErrorCode, isAppError } from '../errors.ts';
import { type Job, type JobQueue, MAX_PRIORITY } from '../jobs/job-queue.ts';
import { isLasting, type RemoteFile, type RemoteFiles } from '../remote/remote-files.ts';
import type { PartialObjects } from '../storage/partial-objects.ts';
import type { Uploads } from './uploads.ts';

export type PullsOptions = {
  readonly remote: RemoteFiles;
  readonly jobs: JobQueue;
  readonly uploads: Uploads;
  readonly repository: UploadRepository;
  readonly videos: VideoRepository;
  readonly partials: PartialObjects;
  /** Before each new attempt; `attempt` counts from 1 since the last byte that arrived. */
  readonly delayMs: (attempt: number) => number;
  /** For one file, from its first byte in this process. */
  readonly totalMs: number;
};

/** Pulls at a time: they share one network connection to the world. */
const CONCURRENCY = 4;
/** An answer that has begun waits so long for its job. */
const BEGUN_MS = 10_000;
/** Attempts in a row that bring nothing. */
const MAX_ATTEMPTS = 6;
/** Nobody waits for an encode that a pull would hold up: it needs no processor to speak of. */
const PRIORITY = MAX_PRIORITY;

const Payload = z.object({ uploadId: z.string() });

/** The delays of {@link PullsOptions} in earnest: 1 s, 2 s, 4 s, 8 s, 16 s. */
export function pullDelayMs(attempt: number): number {
  return 1000 * 2 ** (attempt - 1);
}

/** Fetches what `addFromUrl` registers. */
export class Pulls {
  readonly #options: PullsOptions;
  /** Answers that have begun, until their job takes them over. */
  readonly #begun = new Map<string, RemoteFile>();
  readonly #closing = new AbortController();

  constructor(options: PullsOptions) {
    this.#options = options;
    options.jobs.work({
      kinds: ['pull'],
      concurrency: CONCURRENCY,
      // How often to try is decided here, where progress is seen.
      attempts: 1,
      finalCodes: [],
      handle: (job, signal) => this.#handle(job, signal),
      onFailed: (job, error) => this.#onFailed(job, error),
    });
  }

  /** `IngestService.addFromUrl`. */
  async add(request: { readonly url: string; readonly title?: string }): Promise<Video> {
    const { remote, uploads, videos } = this.#options;
    const file = await remote.open(request.url, { offset: 0, signal: this.#closing.signal });
    try {
      const upload = await uploads.create(
        {
          filename: file.filename,
          ...(request.title === undefined ? {} : { title: request.title }),
          ...(file.totalBytes === undefined ? {} : { bytes: file.totalBytes }),
        },
        'pull',
        { url: request.url, ...(file.validator === undefined ? {} : { validator: file.validator }) },
        (created) => {
          // Its job may be taken before the answer is here that it was added.
          this.#begun.set(created.id, file);
          setTimeout(() => this.#giveUp(created.id), BEGUN_MS).unref();
          return [jobOf(created)];
        },
      );
      const video = await videos.get(upload.videoId);
      if (video === undefined) throw new AppError('gone', 'the video was deleted');
      return video;
    } catch (error) {
      await file.body.cancel(error).catch(() => {});
      throw error;
    }
  }

  /** Fetches what is still missing, in the background. */
  async resume(upload: StoredUpload): Promise<void> {
    await this.#options.jobs.enqueue(jobOf(upload));
  }

  /** Another process has taken the job, and asks anew. */
  #giveUp(id: string): void {
    const file = this.#begun.get(id);
    this.#begun.delete(id);
    void file?.body.cancel().catch(() => {});
  }

  /** Breaks off connections that no job has taken over. */
  close(): void {
    this.#closing.abort(new AppError('aborted', 'the server is stopping'));
  }

  async #handle(job: Job, signal: AbortSignal): Promise<void> {
    const upload = await this.#uploadOf(job);
    if (upload?.state !== 'receiving') return;
    const limit = AbortSignal.timeout(this.#options.totalMs);
    try {
      await this.#fetchAll(upload, AbortSignal.any([signal, limit]));
    } catch (error) {
      if (!limit.aborted || signal.aborted) throw error;
      throw new AppError('url_unreachable', 'it took too long to fetch the file', { cause: error });
    }
  }

  async #fetchAll(upload: StoredUpload, signal: AbortSignal): Promise<void> {
    let offset = await this.#options.partials.size(upload.id);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#fetch(upload, offset, signal);
      } catch (error) {
        if (signal.aborted || !isAppError(error, 'url_unreachable') || isLasting(error)) throw error;
        const reached = await this.#options.partials.size(upload.id);
        if (reached > offset) attempt = 1;
        offset = reached;
        if (attempt >= MAX_ATTEMPTS) throw error;
        await sleep(this.#options.delayMs(attempt), undefined, { signal });
      }
    }
  }

  async #fetch(registered: StoredUpload, offset: number, signal: AbortSignal): Promise<void> {
    const { remote, repository, uploads } = this.#options;
    const upload = (await repository.get(registered.id)) ?? registered;
    const { url = '', validator } = upload;
    const begun = this.#begun.get(upload.id);
    this.#begun.delete(upload.id);
    const file =
      begun ??
      (await remote.open(url, { offset, signal, ...(validator === undefined ? {} : { validator }) }));
    try {
      if (file.offset !== offset) await uploads.restart(upload);
      const current = await this.#noted(upload, file);
      const isWhole = current.totalBytes === undefined;
      const { state } = await uploads.write(current, file.offset, file.body, { isWhole, signal });
      if (state !== 'complete') throw new AppError('url_unreachable', 'the file ended too early');
    } catch (error) {
      await file.body.cancel(error).catch(() => {});
      throw error;
    }
  }

  /** What this answer says of the file, where it is another one than before. */
  async #noted(upload: StoredUpload, file: RemoteFile): Promise<StoredUpload> {
    if (file.validator === upload.validator && file.totalBytes === upload.totalBytes) return upload;
    const { repository } = this.#options;
    const change = {
      validator: file.validator ?? null,
      totalBytes: file.totalBytes ?? null,
    };
    return (await repository.update(upload.id, change, { state: 'receiving' })) ?? upload;
  }

  async #onFailed(job: Job, error: unknown): Promise<void> {
    // Cut off by us: it goes on after the next start.
    if (this.#closing.signal.aborted) return;
    const upload = await this.#uploadOf(job);
    if (upload !== undefined) await this.#options.uploads.fail(upload, failureOf(error));
  }

  async #uploadOf(job: Job): Promise<StoredUpload | undefined> {
    const { uploadId } = Payload.parse(job.payload);
    return this.#options.repository.get(parseUploadId(uploadId));
  }
}

function jobOf({ id, videoId }: StoredUpload): Job {
  return { kind: 'pull', key: `pull:${id}`, videoId, priority: PRIORITY, payload: { uploadId: id } };
}

/** Faults of ours are not for people to read. */
function failureOf(error: unknown): AppError {
  const silent: readonly ErrorCode[] = ['aborted', 'internal'];
  if (isAppError(error) && !silent.includes(error.code)) return error;
  return new AppError('internal', 'fetching the file failed', { cause: error });
}
