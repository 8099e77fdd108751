/** Segments of video tracks: all rungs from one decode, frames laid onto the grid. */
import { Frame } from 'node-av/lib';
import type { VideoEncoding } from '../../media/plan.ts';
import type { SourceVideo } from '../../media/source.ts';
import { toNumber } from '../../media/time.ts';
import { colorCodes } from './color.ts';
import { decodeFrom } from './decode.ts';
import { deinterlaced, LEAD_IN_FRAMES, type TimedFrame } from './deinterlace.ts';
import { outputColor } from './output-color.ts';
import type { OpenSource } from './source.ts';
import { SegmentEncoder } from './video-encoder.ts';
import { VideoFilter } from './video-filter.ts';

/** Takes a finished segment; resolves when the next may come. */
export type Emit = (trackId: string, index: number, bytes: Uint8Array) => Promise<void>;

/** A decoded frame at some distance before the first that is shown may be needed by others: keep these seconds. */
const KEEP_SECONDS = 0.5;

/** Makes the segments `first` up to, not including, `end` of each encoding (all on the same grid), in order. */
export async function encodeVideo(
  source: OpenSource,
  video: SourceVideo,
  encodings: readonly VideoEncoding[],
  first: number,
  end: number,
  emit: Emit,
): Promise<void> {
  const { grid } = encodings[0]!;
  const colors = colorCodes(outputColor(video));
  using filter = new VideoFilter(
    video,
    encodings.map((encoding) => encoding.rung),
  );
  let segment = first;
  let encoders = encodings.map((encoding) => new SegmentEncoder(encoding, colors, segment));
  let frameNumber = grid.boundaries[first]!;
  let pictures: readonly Frame[] = [];
  try {
    for await (const { frame, isNew } of framesOnGrid(
      source,
      video,
      encodings[0]!,
      frameNumber,
      grid.boundaries[end]!,
    )) {
      if (isNew) pictures = filter.apply(frame);
      pictures.forEach((picture, index) => encoders[index]!.send(picture));
      if (++frameNumber < grid.boundaries[segment + 1]!) continue;
      for (const [index, encoder] of encoders.entries()) {
        const bytes = encoder.finish();
        encoder[Symbol.dispose]();
        await emit(encodings[index]!.trackId, segment, bytes);
      }
      segment++;
      encoders =
        segment < end ? encodings.map((encoding) => new SegmentEncoder(encoding, colors, segment)) : [];
    }
  } finally {
    for (const encoder of encoders) encoder[Symbol.dispose]();
  }
}

type GridFrame = {
  readonly frame: Frame;
  /** Not the one given before: it has to be scaled. */
  readonly isNew: boolean;
};

/**
 * Exactly one frame for each place of the grid from `from` up to, not including, `end`. A place shows the last
 * source frame at or before it: holes repeat, surplus frames are dropped, a gap at the start shows the first.
 */
async function* framesOnGrid(
  source: OpenSource,
  video: SourceVideo,
  { frameRate, firstSourceFrame }: VideoEncoding,
  from: number,
  end: number,
): AsyncGenerator<GridFrame> {
  const framesPerTick = toNumber(video.timeBase) * toNumber(frameRate);
  const placeOf = (ticks: number): number =>
    firstSourceFrame + Math.round((ticks - video.startTicks) * framesPerTick);
  const ticksOf = (place: number): number =>
    video.startTicks + Math.floor((place - firstSourceFrame) / framesPerTick);
  using held = new Frame();
  held.alloc();
  let hasHeld = false;
  let isNew = true;
  let next = from;
  // After the end, the last one goes on being shown.
  const shown = Math.min(from, placeOf(video.endTicks) - 1);
  const needed = ticksOf(shown - KEEP_SECONDS * toNumber(frameRate));
  const frameTicks = Math.round((video.isInterlaced ? 2 : 1) / framesPerTick);
  const leadInTicks = video.isInterlaced ? LEAD_IN_FRAMES * frameTicks : 0;
  const decoded = decodeFrom(source, {
    span: video,
    fromTicks: Math.max(video.startTicks, ticksOf(shown) - leadInTicks),
    skipBeforeTicks: () => needed,
    mustShowFrom: true,
    frameTicks,
  });
  for await (const { frame, ticks } of video.isInterlaced ? deinterlaced(decoded) : timed(decoded)) {
    const place = placeOf(ticks);
    // Everything before this frame's place shows the frame before it, or this one where there was none.
    for (; next < Math.min(place, end); next++) {
      yield { frame: hasHeld ? held : frame, isNew };
      isNew = false;
    }
    if (next >= end) return;
    held.unref();
    held.ref(frame);
    hasHeld = true;
    isNew = true;
  }
  if (!hasHeld) {
    fillBlack(held, video);
    isNew = true;
  }
  for (; next < end; next++) {
    yield { frame: held, isNew };
    isNew = false;
  }
}

async function* timed(frames: AsyncIterable<Frame>): AsyncGenerator<TimedFrame> {
  for await (const frame of frames) yield { frame, ticks: Number(frame.pts) };
}

/** For a stretch of which nothing can be decoded. */
function fillBlack(frame: Frame, video: SourceVideo): void {
  frame.width = video.codedWidth + (video.codedWidth % 2);
  frame.height = video.codedHeight + (video.codedHeight % 2);
  frame.format = 0 as typeof frame.format; // AV_PIX_FMT_YUV420P
  frame.getBuffer();
  frame.data?.forEach((plane, index) => plane.fill(index === 0 ? 16 : 128));
}
