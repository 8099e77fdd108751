/** Finds what a crash between two steps left behind: objects that nothing refers to, rows whose object is gone. */
import type { Video, VideoId } from '../catalog/video.ts';
import type { VideoRepository } from '../catalog/video-repository.ts';
import { headIfThere } from '../storage/if-there.ts';
import { parseObjectKey } from '../storage/object-key.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { CaptionStore } from './caption-store.ts';
import { isCaptionOf } from './captions-of-video.ts';
import type { VideoEvents } from './events.ts';
import type { Log } from './log.ts';
import type { PosterStore } from './poster-store.ts';
import type { SegmentStore } from './segment-store.ts';

const SOURCES = parseObjectKey('sources');

/** What is compared with what. */
export type SweepOptions = {
  readonly videos: VideoRepository;
  readonly segments: SegmentStore;
  readonly texts: CaptionStore;
  readonly posters: PosterStore;
  /** Where uploaded sources lie, as `sources/{video}`. */
  readonly sources: ObjectStore;
  readonly events: VideoEvents;
  readonly log: Log;
  /**
   * Texts and posters are stored first, and the catalog is told then: what has been written since may still come to
   * belong to something. Now, where no other process can be in the middle of it.
   */
  readonly settledBefore: Date;
};

/** Others may take in videos and encode meanwhile: nothing is removed on the word of an old list alone. */
export async function sweep(options: SweepOptions, signal: AbortSignal): Promise<void> {
  const { videos, segments, texts, posters, sources, log, settledBefore } = options;
  const known = new Map<string, Video>();
  for (const origin of ['upload', 'library'] as const) {
    for (const video of await videos.listBySource(origin)) known.set(video.id, video);
  }
  for (const { videoId, revision } of await segments.storedRevisions(signal)) {
    if (known.get(videoId)?.revision === revision) continue;
    if ((await videos.get(videoId))?.revision === revision) continue;
    log.info({ video: videoId, revision }, 'removing segments that belong to nothing');
    await segments.deleteAll(videoId, revision, signal);
  }
  for await (const { key } of sources.list(SOURCES, { signal })) {
    const videoId = key.slice(SOURCES.length + 1) as VideoId;
    if (known.has(videoId) || (await videos.get(videoId)) !== undefined) continue;
    log.info({ key }, 'removing a source that belongs to nothing');
    await sources.delete(key, { signal });
  }
  for await (const { videoId, id, modifiedAt } of texts.list(signal)) {
    if (modifiedAt > settledBefore) continue;
    const isOf = (video: Video | undefined): boolean => video !== undefined && isCaptionOf(video, id);
    if (isOf(known.get(videoId)) || isOf(await videos.get(videoId))) continue;
    log.info({ video: videoId, id }, 'removing captions that belong to nothing');
    await texts.delete(videoId, id, signal);
  }
  for await (const { videoId, name, modifiedAt } of posters.list(signal)) {
    if (modifiedAt > settledBefore || known.get(videoId)?.poster === name) continue;
    if ((await videos.get(videoId))?.poster === name) continue;
    log.info({ video: videoId, name }, 'removing a poster that belongs to nothing');
    await posters.delete(videoId, name, signal);
  }
  await failSourceless(options, signal);
}

async function failSourceless(
  { videos, sources, events, log }: SweepOptions,
  signal: AbortSignal,
): Promise<void> {
  for (const video of await videos.listBySource('upload')) {
    if (video.status !== 'inspecting' && video.status !== 'playable') continue;
    if ((await headIfThere(sources, video.source.key, { signal })) !== undefined) continue;
    const reason = {
      code: 'source_vanished',
      message: 'the uploaded file is no longer in the store',
    } as const;
    const change = { status: 'failed', error: reason } as const;
    const failed = await videos.update(video.id, change, { status: [video.status] });
    // It was deleted, or has come further.
    if (failed === undefined) continue;
    log.error({ video: video.id }, 'the source of a video is gone');
    events.publish({ type: 'status', videoId: video.id, status: 'failed' });
  }
}
