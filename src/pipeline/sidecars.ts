/** Captions in files beside a library video: read when they appear or change, forgotten when they go. */
import type { Caption } from '../catalog/caption.ts';
import type { Video } from '../catalog/video.ts';
import type { VideoRepository } from '../catalog/video-repository.ts';
import { isAppError } from '../errors.ts';
import type { Sidecar } from '../readers/sidecars.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { CaptionStore } from './caption-store.ts';
import { normaliseCaptions, readCaptionBytes } from './caption-text.ts';
import { changeCaptions } from './change-captions.ts';
import type { VideoEvents } from './events.ts';
import type { Log } from './log.ts';

/** What it works with. */
export type SidecarOptions = {
  /** The library. */
  readonly store: ObjectStore;
  readonly videos: VideoRepository;
  readonly texts: CaptionStore;
  readonly events: VideoEvents;
  readonly log: Log;
};

/** Follows the files of all videos. */
export class Sidecars {
  readonly #options: SidecarOptions;
  /** What could not be read, by key with its etag: not tried again until it changes. */
  readonly #refused = new Map<string, string>();

  constructor(options: SidecarOptions) {
    this.#options = options;
  }

  /** Those of `files` that have not been read as they are now. */
  unread(video: Video | undefined, files: readonly Sidecar[]): readonly Sidecar[] {
    return files.filter((file) => !this.#isRefused(file) && knownAs(video, file) === undefined);
  }

  /** Whether the catalog has other captions than `files` have. */
  isBehind(video: Video, files: readonly Sidecar[]): boolean {
    const readable = files.filter((file) => !this.#isRefused(file));
    return this.unread(video, files).length > 0 || fromFiles(video).length !== readable.length;
  }

  /** Brings the captions of `video` up to date with `files`. */
  async follow(video: Video, files: readonly Sidecar[], signal: AbortSignal): Promise<void> {
    const { videos, texts, events } = this.#options;
    const read: Caption[] = [];
    for (const file of files) {
      const caption = knownAs(video, file) ?? (await this.#read(video, file, signal));
      if (caption !== undefined) read.push(caption);
    }
    const { removed } = await changeCaptions(videos, video.id, (captions) => [
      ...captions.filter(({ origin }) => origin !== 'sidecar'),
      ...read,
    ]);
    events.publish({ type: 'updated', videoId: video.id });
    for (const id of removed) await texts.delete(video.id, id, signal);
  }

  #isRefused({ key, etag }: Sidecar): boolean {
    return this.#refused.get(key) === etag;
  }

  async #read(video: Video, file: Sidecar, signal: AbortSignal): Promise<Caption | undefined> {
    const { store, texts, log } = this.#options;
    const { key, etag, language, label, kind, isForced } = file;
    try {
      const { body } = await store.get(key, { signal });
      const text = normaliseCaptions(await readCaptionBytes(body), language);
      const id = await texts.put(video.id, language, text, signal);
      const about = { language, kind, isForced, isDefault: false, ...(label === undefined ? {} : { label }) };
      return { origin: 'sidecar', ...about, id, file: { key, etag } };
    } catch (error) {
      if (!isAppError(error) || error.code === 'aborted') throw error;
      log.warn({ err: error, video: video.id, file: key }, 'captions in the library cannot be read');
      this.#refused.set(key, etag);
      return undefined;
    }
  }
}

function fromFiles(video: Video): readonly Caption[] {
  return (video.captions ?? []).filter(({ origin }) => origin === 'sidecar');
}

function knownAs(video: Video | undefined, { key, etag }: Sidecar): Caption | undefined {
  return video?.captions?.find(({ file }) => file?.key === key && file.etag === etag);
}
