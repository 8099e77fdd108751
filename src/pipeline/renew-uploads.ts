/** What becomes of uploads when a new release cuts or encodes differently (docs/decisions/111). */
import type { Video, VideoStatus } from '../catalog/video.ts';
import type { VideoRepository } from '../catalog/video-repository.ts';
import { headIfThere } from '../storage/if-there.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { VideoEvents } from './events.ts';
import type { Change } from './change.ts';
import { revisionOf } from './library.ts';
import type { Log } from './log.ts';
import { cutOf, type Plans } from './plans.ts';
import type { SegmentStore } from './segment-store.ts';

/** Where uploads are found, and what is stored of them. */
export type RenewalOptions = {
  readonly videos: VideoRepository;
  readonly change: Change;
  readonly segments: SegmentStore;
  readonly plans: Plans;
  readonly events: VideoEvents;
  /** Where their sources lie. */
  readonly objects: ObjectStore;
  readonly log: Log;
};

/** Of these something is or may be encoded. */
const BEGUN: readonly VideoStatus[] = ['inspecting', 'playable', 'ready'];

/**
 * Has uploads that an older release began start over, as library videos do: `inspecting`, with a new revision and without
 * segments. What is finished stays, as long as its segments are what this release would describe. Others may do the same.
 */
export async function renewUploads(options: RenewalOptions): Promise<void> {
  const { videos, change, segments, events, objects, log } = options;
  const { signal } = new AbortController();
  for (const { id, status, revision, source } of await videos.listBySource('upload')) {
    const renewedRevision = revisionOf(source.etag);
    if (!BEGUN.includes(status) || revision === renewedRevision) continue;
    if (status === 'ready' && fits(options, await videos.get(id))) continue;
    // Nothing could be made in place of what there is.
    if ((await headIfThere(objects, source.key)) === undefined) continue;
    const start = { status: 'inspecting', revision: renewedRevision, content: null } as const;
    const renewed = await change(async (changing) => {
      const changed = await changing.videos.update(id, start, { status: [status], revision });
      if (changed !== undefined) await changing.chunks.remove(id);
      return changed;
    });
    if (renewed === undefined) continue;
    log.info({ video: id, revision }, 'encoding an upload anew: an older release cut it differently');
    events.publish({ type: 'status', videoId: id, status: renewed.status });
    segments.keep(id);
    await segments.deleteAll(id, revision, signal);
  }
}

/** Whether the segments that are stored are those that manifests would name now. */
function fits({ plans }: RenewalOptions, video: Video | undefined): boolean {
  const plan = video && plans.planOf(video);
  return video?.content?.kind === 'media' && plan !== undefined && video.content.cut === cutOf(plan);
}
