/** One picture of a video, as JPEG: a good one, or the one at a certain time. */
import { Frame } from 'node-av/lib';
import { AppError } from '../../errors.ts';
import { sourceTicksAt } from '../../media/source-time.ts';
import type { SourceInfo, SourceVideo } from '../../media/source.ts';
import { toNumber } from '../../media/time.ts';
import { decodeFrom } from './decode.ts';
import { encodeJpeg } from './jpeg.ts';
import { GOOD_PICTURE, judgePicture } from './judge-picture.ts';
import { KeyframeReader } from './keyframes.ts';
import type { OpenSource } from './source.ts';
import type { PictureSize } from './filter-graph.ts';
import { VideoFilter } from './video-filter.ts';

/** Parts of the duration at which keyframes are looked at: the first half, since nobody wants to see the end. */
const PARTS = [0.03, 0.07, 0.11, 0.16, 0.21, 0.27, 0.33, 0.39, 0.45, 0.5];
/** Only where none of those is any good. */
const LATER_PARTS = [0, 0.6, 0.7, 0.8, 0.9];
/** Where no keyframe is: so far into the video frames are decoded one by one, and one of so many seconds looked at. */
const SEARCHED_SECONDS = 30;
const SEARCH_STEP_SECONDS = 0.5;
/** Pictures are judged at this size. */
const JUDGED_SIDE = 160;
/** A viewer's clock lies exactly on a frame's time, or a hair before it. */
const CLOCK_SECONDS = 0.001;

/** At most `maxSide` pixels on its longer side, never enlarged. Throws `source_damaged` if no frame decodes. */
export async function bestPicture(
  source: OpenSource,
  video: SourceVideo,
  maxSide: number,
): Promise<Uint8Array> {
  using best = new BestFrame(video);
  using reader = new KeyframeReader(source, video);
  const frameTicks = 1 / toNumber(video.frameRate) / toNumber(video.timeBase);
  let last = Number.NEGATIVE_INFINITY;
  for (const part of [...PARTS, ...LATER_PARTS]) {
    if (part === LATER_PARTS[0] && best.score >= GOOD_PICTURE) break;
    const ticks = video.startTicks + Math.floor((video.endTicks - video.startTicks) * part);
    // The same frame again, where there are hardly more frames than parts.
    if (Math.abs(ticks - last) < frameTicks) continue;
    last = ticks;
    const frame = await reader.at(ticks);
    if (frame !== undefined) best.offer(frame);
  }
  if (best.score < GOOD_PICTURE) await searchFrames(source, video, best);
  if (best.frame === undefined)
    throw new AppError('source_damaged', 'no picture of the video can be decoded');
  return jpegOf(best.frame, video, maxSide);
}

/** The frame that is shown at a time of the presentation. Throws as {@link bestPicture}. */
export async function pictureAt(
  source: OpenSource,
  info: SourceInfo,
  video: SourceVideo,
  seconds: number,
  maxSide: number,
): Promise<Uint8Array> {
  const ticks = sourceTicksAt(info, video, seconds + CLOCK_SECONDS);
  using shown = new Frame();
  shown.alloc();
  let isThere = false;
  const needed = ticks - 2 / toNumber(video.frameRate) / toNumber(video.timeBase);
  const options = {
    span: video,
    fromTicks: ticks,
    skipBeforeTicks: () => needed,
    mustShowFrom: true,
  };
  for await (const frame of decodeFrom(source, options)) {
    if (isThere && Number(frame.pts) > ticks) break;
    shown.unref();
    shown.ref(frame);
    isThere = true;
  }
  if (!isThere) throw new AppError('source_damaged', 'the picture at this time cannot be decoded');
  return jpegOf(shown, video, maxSide);
}

/** The frame in JPEG's colours, upright, at most `maxSide` pixels on its longer side. */
export function jpegOf(frame: Frame, video: SourceVideo, maxSide: number): Uint8Array {
  using filter = new VideoFilter(video, [sizeWithin(video, maxSide)], 'jpeg');
  return encodeJpeg(filter.apply(frame)[0]!);
}

async function searchFrames(source: OpenSource, video: SourceVideo, best: BestFrame): Promise<void> {
  const secondsPerTick = toNumber(video.timeBase);
  let next = 0;
  for await (const frame of decodeFrom(source, { span: video, fromTicks: video.startTicks })) {
    const seconds = (Number(frame.pts) - video.startTicks) * secondsPerTick;
    if (seconds < next) continue;
    best.offer(frame);
    next = seconds + SEARCH_STEP_SECONDS;
    if (best.score >= GOOD_PICTURE || seconds > SEARCHED_SECONDS) return;
  }
}

/** The best of the frames that were offered. */
class BestFrame implements Disposable {
  readonly #filter: VideoFilter;
  readonly #best = new Frame();
  readonly #seen = new Set<bigint>();
  score = -1;

  constructor(video: SourceVideo) {
    this.#filter = new VideoFilter(video, [sizeWithin(video, JUDGED_SIDE)], 'jpeg');
    this.#best.alloc();
  }

  get frame(): Frame | undefined {
    return this.score < 0 ? undefined : this.#best;
  }

  offer(frame: Frame): void {
    if (this.#seen.has(frame.pts)) return;
    this.#seen.add(frame.pts);
    const small = this.#filter.apply(frame)[0]!;
    const { width, height, linesize: strides } = small;
    const score = judgePicture({ width, height, planes: small.data ?? [], strides });
    if (score <= this.score) return;
    this.score = score;
    this.#best.unref();
    this.#best.ref(frame);
  }

  [Symbol.dispose](): void {
    this.#filter[Symbol.dispose]();
    this.#best.free();
  }
}

function sizeWithin({ displayWidth, displayHeight }: SourceVideo, maxSide: number): PictureSize {
  const scale = Math.min(1, maxSide / Math.max(displayWidth, displayHeight));
  return { width: evenSide(displayWidth * scale), height: evenSide(displayHeight * scale) };
}

function evenSide(side: number): number {
  return Math.max(2, 2 * Math.round(side / 2));
}
