/** A sheet of a storyboard: small pictures of a stretch of a video, side by side in one JPEG. */
import { AV_PIX_FMT_YUV420P } from 'node-av/constants';
import { Frame } from 'node-av/lib';
import { AppError } from '../../errors.ts';
import { sourceTicksAt } from '../../media/source-time.ts';
import type { SourceInfo, SourceVideo } from '../../media/source.ts';
import { SHEET_COLUMNS, type Storyboard, tileOffset, tilesOfSheet } from '../../media/storyboard.ts';
import { toNumber } from '../../media/time.ts';
import type { WantedPicture } from '../protocol.ts';
import { decodeFrom } from './decode.ts';
import { encodeJpeg } from './jpeg.ts';
import { KeyframeReader } from './keyframes.ts';
import type { OpenSource } from './source.ts';
import { VideoFilter } from './video-filter.ts';

/**
 * Tiles this near to each other have no keyframe in most of them: then it is cheaper to decode on from one to the
 * next than to go back to a keyframe for each.
 */
const NEAR_SECONDS = 2;
/** Without an index each seek is a search through the file: some more are cheaper in one go. */
const NEAR_WITHOUT_INDEX_SECONDS = 6;
const WITHOUT_INDEX: readonly string[] = ['mpegts', 'mpeg'];
/** From a keyframe, decoding goes on for so long towards a tile; then what was reached is shown. */
const MAX_WALK_SECONDS = 15;

/** Where a tile lies in the source, in ticks of the track; the end is exclusive. */
type Span = { readonly startTicks: number; readonly endTicks: number };

/**
 * Each tile shows a frame from the time that it stands for: the keyframe in its middle or at its end, or where there is
 * none, its first frame. Throws `source_damaged` if nothing decodes.
 */
export async function makeSheet(
  source: OpenSource,
  info: SourceInfo,
  video: SourceVideo,
  { storyboard, sheet, startSeconds: sourceStart = 0 }: WantedPicture & { readonly kind: 'sheet' },
): Promise<Uint8Array> {
  const spans = tilesOfSheet(storyboard, sheet).map(({ startSeconds, endSeconds }) => ({
    startTicks: sourceTicksAt(info, video, startSeconds - sourceStart),
    endTicks: sourceTicksAt(info, video, endSeconds - sourceStart),
  }));
  using filter = new VideoFilter(
    video,
    [{ width: storyboard.tileWidth, height: storyboard.tileHeight }],
    'jpeg',
  );
  using canvas = new Canvas(storyboard, spans.length);
  const isNear =
    storyboard.intervalSeconds <= (isIndexed(source) ? NEAR_SECONDS : NEAR_WITHOUT_INDEX_SECONDS);
  const frames = isNear ? framesInARow(source, video, spans) : framesApart(source, video, spans);
  let next = 0;
  for await (const frame of frames) {
    const [picture] = frame === undefined ? [] : filter.apply(frame);
    if (picture !== undefined) canvas.put(picture, next);
    next++;
  }
  if (canvas.isEmpty)
    throw new AppError('source_damaged', 'no picture of this part of the video can be decoded');
  return encodeJpeg(canvas.frame);
}

/** One for each span; undefined where nothing decodes. */
async function* framesApart(
  source: OpenSource,
  video: SourceVideo,
  spans: readonly Span[],
): AsyncGenerator<Frame | undefined> {
  using reader = new KeyframeReader(source, video);
  for (const span of spans) {
    const { startTicks, endTicks } = span;
    const isWithin = (frame: Frame | undefined): boolean =>
      frame !== undefined && Number(frame.pts) >= startTicks && Number(frame.pts) < endTicks;
    // Where there is an index, the keyframe before a place is found, otherwise the one after it.
    const places = isIndexed(source) ? [Math.floor((startTicks + endTicks) / 2), endTicks - 1] : [startTicks];
    let frame: Frame | undefined;
    for (const place of places) {
      if (!isWithin(frame)) frame = await reader.at(place);
    }
    if (isWithin(frame)) {
      yield frame;
      continue;
    }
    using walked = await walkTo(source, video, startTicks);
    yield walked;
  }
}

function isIndexed({ handle }: OpenSource): boolean {
  return !WITHOUT_INDEX.includes(handle.container);
}

/** The first frame at or after `ticks`, or the last one before where that is too far or there is none. */
async function walkTo(source: OpenSource, video: SourceVideo, ticks: number): Promise<Frame | undefined> {
  const maxTicks = MAX_WALK_SECONDS / toNumber(video.timeBase);
  let reached: Frame | undefined;
  let firstTicks: number | undefined;
  const options = { span: video, fromTicks: ticks, skipBeforeTicks: () => ticks };
  for await (const frame of decodeFrom(source, options)) {
    const pts = Number(frame.pts);
    firstTicks ??= pts;
    reached?.free();
    reached = frame.clone() ?? undefined;
    if (pts >= ticks || pts - firstTicks > maxTicks) break;
  }
  return reached;
}

/** As {@link framesApart}, in one go. */
async function* framesInARow(
  source: OpenSource,
  video: SourceVideo,
  spans: readonly Span[],
): AsyncGenerator<Frame | undefined> {
  let next = 0;
  using last = new Frame();
  last.alloc();
  let isThere = false;
  const fromTicks = spans[0]?.startTicks ?? 0;
  const skipBeforeTicks = (): number => spans[next]?.startTicks ?? 0;
  for await (const frame of decodeFrom(source, { span: video, fromTicks, skipBeforeTicks })) {
    for (; next < spans.length && spans[next]!.startTicks <= Number(frame.pts); next++) yield frame;
    if (next >= spans.length) return;
    last.unref();
    last.ref(frame);
    isThere = true;
  }
  for (; next < spans.length; next++) yield isThere ? last : undefined;
}

/** The sheet while tiles are put on it. */
class Canvas implements Disposable {
  readonly frame = new Frame();
  readonly #storyboard: Storyboard;
  isEmpty = true;

  constructor(storyboard: Storyboard, tiles: number) {
    this.#storyboard = storyboard;
    this.frame.alloc();
    this.frame.width = Math.min(tiles, SHEET_COLUMNS) * storyboard.tileWidth;
    this.frame.height = Math.ceil(tiles / SHEET_COLUMNS) * storyboard.tileHeight;
    this.frame.format = AV_PIX_FMT_YUV420P;
    if (this.frame.getBuffer() < 0) throw new AppError('encode_failed', 'there is no memory for a picture');
    this.frame.data?.forEach((plane, index) => plane.fill(index === 0 ? 0 : 128));
  }

  put(picture: Frame, tile: number): void {
    const { x, y } = tileOffset(this.#storyboard, tile);
    this.isEmpty = false;
    for (const plane of [0, 1, 2]) {
      const shift = plane === 0 ? 0 : 1;
      const [from, to] = [picture.data?.[plane], this.frame.data?.[plane]];
      const [fromStride = 0, toStride = 0] = [picture.linesize[plane], this.frame.linesize[plane]];
      for (let row = 0; row < picture.height >> shift; row++) {
        const start = row * fromStride;
        const line = from?.subarray(start, start + (picture.width >> shift)) ?? [];
        to?.set(line, ((y >> shift) + row) * toStride + (x >> shift));
      }
    }
  }

  [Symbol.dispose](): void {
    this.frame.free();
  }
}
