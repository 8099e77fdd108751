/** The library folder and the catalog, kept in step: what lies there is a video, what is gone is none. */
import { createHash, randomBytes } from 'node:crypto';
import PQueue from 'p-queue';
import { newVideoId, type Video, type VideoSource } from '../catalog/video.ts';
import type { VideoRepository } from '../catalog/video-repository.ts';
import type { MediaEngine, SourceBytes } from '../engine/engine.ts';
import { PLAN_VERSION } from '../media/plan.ts';
import type { Discovery, LibraryEntry } from '../readers/discover.ts';
import { readPackage } from '../readers/read-package.ts';
import type { Sidecar } from '../readers/sidecars.ts';
import type { FolderWatch } from '../storage/folder-watch.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { CaptionExtraction } from './caption-extraction.ts';
import type { CaptionStore } from './caption-store.ts';
import type { VideoEvents } from './events.ts';
import { inspectVideo, saveInspected } from './inspect-video.ts';
import { throughOutages } from './outage.ts';
import type { Log } from './log.ts';
import type { PosterStore } from './poster-store.ts';
import type { SegmentMaker } from './segment-maker.ts';
import type { SegmentStore } from './segment-store.ts';
import { Sidecars } from './sidecars.ts';

export type LibraryOptions = {
  readonly store: ObjectStore;
  readonly discovery: Discovery;
  readonly watch: FolderWatch;
  readonly videos: VideoRepository;
  readonly segments: SegmentStore;
  readonly extraction: Pick<CaptionExtraction, 'stop'>;
  readonly texts: CaptionStore;
  readonly posters: PosterStore;
  readonly engine: MediaEngine;
  readonly encoder: SegmentMaker;
  readonly sourceOf: (video: Video) => SourceBytes;
  readonly events: VideoEvents;
  readonly log: Log;
  readonly now: () => Date;
  /** Inspections at a time. */
  readonly concurrency: number;
};

/** A file that is being copied grows: it is looked at once it has stayed the same for so long. */
const SETTLE_MS = 1000;
/** After a failure that has nothing to do with the files. */
const RETRY_MS = 30_000;

/** Follows the library folder until it is closed. */
export class Library {
  readonly #options: LibraryOptions;
  readonly #inspections: PQueue;
  readonly #closing = new AbortController();
  /** Entries that are new or changed, and since when they look as they do. */
  readonly #unsettled = new Map<string, { etag: string; since: number }>();
  readonly #sidecars: Sidecars;
  /** Videos whose captions are being read just now. */
  readonly #following = new Set<string>();
  #scan: Promise<void> = Promise.resolve();
  #rescan: NodeJS.Timeout | undefined;
  #watch: Disposable | undefined;

  constructor(options: LibraryOptions) {
    this.#options = options;
    this.#sidecars = new Sidecars(options);
    this.#inspections = new PQueue({ concurrency: options.concurrency });
  }

  /** Reads the whole library once, then follows it. Resolves when every video of it is in the catalog. */
  async start(): Promise<void> {
    const { watch, videos } = this.#options;
    this.#watch = watch(() => void this.scan());
    // Before the scan adds its own: what an earlier run did not get to.
    for (const video of await videos.listBySource('library')) {
      if (video.status === 'inspecting') this.#inspectLater(video);
    }
    // A folder that is not there now may be mounted later: the server runs without it meanwhile.
    await this.#scanOnce(true).catch((error: unknown) => this.#scanLater(error));
  }

  /** Compares the folder with the catalog again. Scans never overlap. */
  scan(): Promise<void> {
    this.#scan = this.#scan
      .then(() => this.#scanOnce(false))
      .catch((error: unknown) => this.#scanLater(error));
    return this.#scan;
  }

  /** Resolves when nothing of it is running any more. */
  async close(): Promise<void> {
    this.#watch?.[Symbol.dispose]();
    clearTimeout(this.#rescan);
    this.#closing.abort();
    this.#inspections.clear();
    await this.#scan.catch(() => {});
    await this.#inspections.onIdle();
  }

  /** The store or the catalog is away: what happens meanwhile, nobody tells. */
  #scanLater(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    this.#options.log.error({ err: error }, 'the library could not be read');
    this.#scheduleScan(RETRY_MS);
  }

  async #scanOnce(isFirst: boolean): Promise<void> {
    if (this.#closing.signal.aborted) return;
    const { discovery, videos } = this.#options;
    const entries = await discovery.discover(this.#closing.signal);
    const known = new Map((await videos.listBySource('library')).map((video) => [video.source.key, video]));
    let isWaiting = false;
    for (const entry of entries) {
      const video = known.get(entry.key);
      known.delete(entry.key);
      if (isTakenIn(entry, video) || isFirst || this.#hasSettled(entry)) {
        const now = isTakenIn(entry, video) ? video : await this.#takeIn(entry, video);
        if (!this.#followSidecars(now, entry.sidecars ?? [], isFirst)) isWaiting = true;
      } else isWaiting = true;
    }
    for (const gone of known.values()) await this.#remove(gone);
    if (isWaiting) this.#scheduleScan(SETTLE_MS);
  }

  #hasSettled({ key, etag }: Pick<LibraryEntry, 'key' | 'etag'>): boolean {
    const now = this.#options.now().getTime();
    const seen = this.#unsettled.get(key);
    if (seen?.etag !== etag) {
      this.#unsettled.set(key, { etag, since: now });
      return false;
    }
    if (now - seen.since < SETTLE_MS) return false;
    this.#unsettled.delete(key);
    return true;
  }

  #scheduleScan(delayMs: number): void {
    clearTimeout(this.#rescan);
    this.#rescan = setTimeout(() => void this.scan(), delayMs).unref();
  }

  /** False where a file beside the video has not settled: then it is to be looked at again. */
  #followSidecars(video: Video | undefined, files: readonly Sidecar[], isFirst: boolean): boolean {
    if (video === undefined || this.#following.has(video.id) || !this.#sidecars.isBehind(video, files))
      return true;
    const unsettled = this.#sidecars.unread(video, files).filter((file) => !this.#hasSettled(file));
    if (unsettled.length > 0 && !isFirst) return false;
    this.#following.add(video.id);
    const follow = async (): Promise<void> => {
      const { signal } = this.#closing;
      try {
        await this.#sidecars.follow(video, files, signal);
        // They may have changed meanwhile, which scans have passed over.
        if (!signal.aborted) this.#scheduleScan(SETTLE_MS);
      } catch (error) {
        if (signal.aborted) return;
        this.#options.log.error({ err: error, video: video.id }, 'captions in the library were not read');
      } finally {
        this.#following.delete(video.id);
      }
    };
    void this.#inspections.add(follow);
    return true;
  }

  async #takeIn(entry: LibraryEntry, before: Video | undefined): Promise<Video | undefined> {
    const { videos, segments, encoder, extraction, events, now } = this.#options;
    const source: VideoSource = {
      origin: 'library',
      key: entry.key,
      name: entry.name,
      bytes: entry.bytes,
      etag: entry.etag,
    };
    const revision = revisionOf(entry.etag);
    if (before === undefined) {
      const at = now();
      const video: Video = {
        id: newVideoId(at.getTime(), randomBytes(10)),
        title: entry.title,
        description: '',
        visibility: 'public',
        status: 'inspecting',
        createdAt: at,
        updatedAt: at,
        source,
        revision,
      };
      await videos.insert(video);
      events.publish({ type: 'created', videoId: video.id });
      this.#inspectLater(video, entry);
      return video;
    }
    await Promise.all([encoder.stop(before.id), extraction.stop(before.id)]);
    const changed = await videos.update(before.id, {
      source,
      revision,
      status: 'inspecting',
      error: null,
      content: null,
    });
    // Before anything else: nobody is to make segments of what was there before.
    if (changed !== undefined)
      events.publish({ type: 'status', videoId: changed.id, status: changed.status });
    await segments.deleteAll(before.id, before.revision, this.#closing.signal);
    if (changed === undefined) return undefined;
    this.#inspectLater(changed, entry);
    return changed;
  }

  async #remove(video: Video): Promise<void> {
    const { videos, segments, texts, posters, encoder, extraction, events } = this.#options;
    await videos.delete(video.id);
    events.publish({ type: 'deleted', videoId: video.id });
    await Promise.all([encoder.stop(video.id), extraction.stop(video.id)]);
    await segments.deleteAll(video.id, undefined, this.#closing.signal);
    await texts.deleteAll(video.id, this.#closing.signal);
    await posters.deleteAll(video.id, this.#closing.signal);
  }

  #inspectLater(video: Video, entry?: LibraryEntry): void {
    if (this.#closing.signal.aborted) return;
    void this.#inspections.add(() => this.#inspect(video, entry));
  }

  async #inspect(video: Video, entry: LibraryEntry | undefined): Promise<void> {
    try {
      const { store, videos } = this.#options;
      const { signal } = this.#closing;
      await inspectVideo(
        this.#options,
        video,
        () => throughOutages(store, () => this.#contentOf(video, entry), signal),
        (inspected) => saveInspected(videos, video, inspected),
      );
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      // The catalog is away: the video stays as it is until it is back.
      this.#options.log.error({ err: error, video: video.id }, 'an inspection is tried again');
      setTimeout(() => this.#inspectLater(video, entry), RETRY_MS).unref();
    }
  }

  async #contentOf(video: Video, entry: LibraryEntry | undefined): Promise<NonNullable<Video['content']>> {
    const { engine, sourceOf, store } = this.#options;
    const { signal } = this.#closing;
    const kind = entry?.kind ?? kindOf(video.source.key);
    if (kind === 'media') return { kind, source: await engine.inspect(sourceOf(video), signal) };
    return {
      kind: 'package',
      package: await readPackage(store, entry ?? { kind, key: video.source.key }, signal),
    };
  }
}

function isTakenIn({ etag }: LibraryEntry, video: Video | undefined): boolean {
  return video !== undefined && video.source.etag === etag && video.revision === revisionOf(etag);
}

/** For a video whose inspection was interrupted: what the scan said then is not known any more. */
function kindOf(key: string): LibraryEntry['kind'] {
  if (/\.mpd$/i.test(key)) return 'dash';
  return /\.m3u8?$/i.test(key) ? 'hls' : 'media';
}

/** Changes with the bytes of the source, and with the way in which they are cut and encoded. */
export function revisionOf(etag: string): string {
  return createHash('sha256').update(`${PLAN_VERSION}\0${etag}`).digest('hex').slice(0, 12);
}
