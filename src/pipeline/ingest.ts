/** The ways in for new videos. */
import type { Video, VideoId } from '../catalog/video.ts';
import type { UploadRepository } from '../catalog/upload-repository.ts';
import type { VideoRepository } from '../catalog/video-repository.ts';
import type { Broadcast } from '../cluster/broadcast.ts';
import type { Leases } from '../cluster/leases.ts';
import { AppError } from '../errors.ts';
import type { Job, JobQueue } from '../jobs/job-queue.ts';
import type { RemoteFiles } from '../remote/remote-files.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { PartialObjects } from '../storage/partial-objects.ts';
import type { Change } from './change.ts';
import type { VideoEvents } from './events.ts';
import type { Log } from './log.ts';
import { pullDelayMs, Pulls } from './pulls.ts';
import { Room } from './room.ts';
import type { IngestService } from './services.ts';
import { Uploads } from './uploads.ts';

export type IngestOptions = {
  readonly videos: VideoRepository;
  readonly uploads: UploadRepository;
  readonly change: Change;
  readonly partials: PartialObjects;
  /** The store that `partials` finishes objects in: sources get the keys `sources/{videoId}`. */
  readonly sources: ObjectStore;
  readonly remote: RemoteFiles;
  /** Pulls are jobs of it. */
  readonly jobs: JobQueue;
  /** Sees to one writer at a time for each upload. */
  readonly leases: Leases;
  readonly broadcast: Broadcast;
  readonly events: VideoEvents;
  readonly log: Log;
  readonly now: () => Date;
  /** What is to be done with a video that has all its bytes and is `inspecting`. */
  readonly jobsOfArrived: (video: Video) => readonly Job[];
  /** Of one file; without it, only the disk is the limit. */
  readonly maxBytes?: number;
  /** Uploads that would leave less than this on the disk are refused. */
  readonly minFreeBytes: number;
  /** How long an unfinished upload waits for more bytes; a day unless given. */
  readonly expiryMs?: number;
  /** Between two attempts to fetch; see PullsOptions. */
  readonly pullDelayMs?: (attempt: number) => number;
  /** For fetching one file; a day unless given. */
  readonly pullTotalMs?: number;
};

/** The service, and what the composition root does with it. */
export type Ingest = IngestService & {
  /**
   * Repairs what a crash left, goes on with pulls, and removes what has expired. Leaves alone what has shown life within
   * `quietMs`: 0 where no other process can be in the middle of it.
   */
  catchUp(quietMs: number): Promise<void>;
  /** For a video that is being deleted: whatever still brings bytes to it has ended, and they are gone. Idempotent. */
  endUploadOf(videoId: VideoId): Promise<void>;
  /** Cuts off whoever writes; what arrived stays. Close the job queue as well. */
  close(): Promise<void>;
};

const DAY_MS = 24 * 60 * 60 * 1000;

/** Makes the ways in. Pulls become work of the job queue. */
export function createIngest(options: IngestOptions): Ingest {
  const { videos, uploads: repository, partials, now, maxBytes, expiryMs = DAY_MS } = options;
  const room = new Room({ partials, minFreeBytes: options.minFreeBytes, now });
  const uploads = new Uploads({
    ...options,
    room,
    expiryMs,
    maxBytes: maxBytes ?? Number.MAX_SAFE_INTEGER,
  });
  const pulls = new Pulls({
    ...options,
    uploads,
    repository,
    delayMs: options.pullDelayMs ?? pullDelayMs,
    totalMs: options.pullTotalMs ?? DAY_MS,
  });

  return {
    ...(maxBytes === undefined ? {} : { maxBytes }),

    createUpload: async (request) => uploads.view(await uploads.create(request, 'resumable')),
    upload: async (id) => uploads.view(await uploads.find(id)),

    async append(id, offset, body, signal) {
      const upload = await uploads.find(id);
      if (upload.state !== 'complete')
        return uploads.view(await uploads.write(upload, offset, body, { signal }));
      await body.cancel();
      if (offset === upload.totalBytes) return uploads.view(upload);
      throw new AppError('offset_mismatch', `the upload is complete with ${upload.totalBytes} bytes`);
    },

    declareLength: async (id, bytes) =>
      uploads.view(await uploads.declareLength(await uploads.find(id), bytes)),

    async terminate(id) {
      const upload = await uploads.find(id);
      if (upload.state === 'complete') {
        throw new AppError('invalid_request', 'the upload is complete: delete the video instead');
      }
      await uploads.discard(upload);
    },

    async addFile(request, body, signal) {
      const upload = await uploads.create(request, 'direct');
      try {
        await uploads.write(upload, 0, body, { isWhole: true, signal });
      } catch (error) {
        await uploads.discard(upload);
        throw error;
      }
      const video = await videos.get(upload.videoId);
      if (video === undefined) throw new AppError('gone', 'the video was deleted');
      return video;
    },

    addFromUrl: (request) => pulls.add(request),

    async catchUp(quietMs) {
      for (const pull of await uploads.recover(quietMs)) await pulls.resume(pull);
      await uploads.sweep();
    },

    async endUploadOf(videoId) {
      const upload = await repository.findByVideo(videoId);
      if (upload === undefined) return;
      await uploads.end(upload);
      // Of a deleted video not even the memory stays.
      await repository.delete(upload.id);
    },

    async close() {
      pulls.close();
      await uploads.close();
    },
  };
}
