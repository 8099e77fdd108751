import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Video } from '../catalog/video.ts';
import { type Plan, planSource } from '../media/plan.ts';
import type { Presentation } from '../media/presentation.ts';
import { captionsOf } from './captions-of-video.ts';

/** Plans are a few hundred kilobytes for a video of some hours. */
const KEPT_PLANS = 200;

/** The plan of each video, worked out once. */
export class Plans {
  readonly #plans = new LRUCache<string, Plan>({ max: KEPT_PLANS });

  /** Undefined for a ready-made package and for what has not been inspected. */
  planOf(video: Video): Plan | undefined {
    if (video.content?.kind !== 'media') return undefined;
    const key = `${video.id}/${video.revision}`;
    const plan = this.#plans.get(key) ?? planSource(video.content.source);
    this.#plans.set(key, plan);
    return plan;
  }

  /** What there is to play. With the captions that the video has now. */
  presentationOf(video: Video): Presentation | undefined {
    const { content } = video;
    const planned =
      content?.kind === 'package' ? content.package.presentation : this.planOf(video)?.presentation;
    return withCaptions(planned, video);
  }

  /** What there is in CMAF, and so in every format: of a package not always anything. */
  cmafOf(video: Video): Presentation | undefined {
    const { content } = video;
    const planned =
      content?.kind === 'package'
        ? content.package.rewrapped?.presentation
        : this.planOf(video)?.presentation;
    return withCaptions(planned, video);
  }
}

/**
 * Names how segments are cut and described: two plans of which it is the same fit the same stored segments. Names and
 * bitrates may differ.
 */
export function cutOf({ presentation }: Plan): string {
  const tracks = presentation.tracks.map((track) => [
    track.id,
    track.codecs,
    track.timescale,
    track.segments,
    track.kind === 'video'
      ? [track.width, track.height, track.frameRate]
      : [track.channels, track.sampleRate],
  ]);
  return createHash('sha256').update(JSON.stringify(tracks)).digest('hex').slice(0, 16);
}

function withCaptions(planned: Presentation | undefined, video: Video): Presentation | undefined {
  const captions = captionsOf(video);
  return planned === undefined || captions.length === 0 ? planned : { ...planned, captions };
}
