/** From decoded frames to the pictures of each rung: rotation, square pixels, size, pixel format. */
import {
  AV_BUFFERSRC_FLAG_KEEP_REF,
  AV_PIX_FMT_YUV420P,
  AVCOL_SPC_UNSPECIFIED,
  type AVPixelFormat,
} from 'node-av/constants';
import { avGetPixFmtName, type FilterContext, FilterGraph, Frame } from 'node-av/lib';
import { AppError } from '../../errors.ts';
import type { SourceVideo } from '../../media/source.ts';
import { colorCodes } from './color.ts';
import { outputColor } from './output-color.ts';

/** In pixels. */
export type PictureSize = { readonly width: number; readonly height: number };

/** `video`: as segments have it, limited range. `jpeg`: as JFIF has it, full range and the matrix of BT.601. */
export type PictureColors = 'video' | 'jpeg';

/**
 * Scales frames to several sizes at once. The graph is built for the first frame, and anew when frames change
 * their size or format in the middle of a source, as they may.
 */
export class VideoFilter implements Disposable {
  readonly #source: SourceVideo;
  readonly #sizes: readonly PictureSize[];
  readonly #colors: PictureColors;
  readonly #outputs: readonly Frame[];
  #graph: FilterGraph | undefined;
  #input: FilterContext | undefined;
  #sinks: readonly FilterContext[] = [];
  #shape = '';

  constructor(source: SourceVideo, sizes: readonly PictureSize[], colors: PictureColors = 'video') {
    this.#source = source;
    this.#sizes = sizes;
    this.#colors = colors;
    this.#outputs = sizes.map(() => {
      const frame = new Frame();
      frame.alloc();
      return frame;
    });
  }

  /** The frame in each size, in their order; valid until the next call. Throws `encode_failed`. */
  apply(frame: Frame): readonly Frame[] {
    const shape = `${frame.width}x${frame.height}:${frame.format}:${frame.colorRange}:${frame.colorSpace}`;
    if (shape !== this.#shape) this.#build(frame, shape);
    for (const output of this.#outputs) output.unref();
    check(this.#input!.buffersrcAddFrameSync(frame, AV_BUFFERSRC_FLAG_KEEP_REF), 'add a frame');
    this.#sinks.forEach((sink, index) => check(sink.buffersinkGetFrameSync(this.#outputs[index]!), 'scale'));
    return this.#outputs;
  }

  [Symbol.dispose](): void {
    for (const output of this.#outputs) output.free();
    this.#graph?.free();
  }

  #build(frame: Frame, shape: string): void {
    this.#graph?.free();
    const graph = new FilterGraph();
    graph.alloc();
    graph.nbThreads = 1;
    check(graph.parsePtr(describeGraph(frame, this.#source, this.#sizes, this.#colors)), 'build the filters');
    check(graph.configSync(), 'configure the filters');
    const filters = graph.filters ?? [];
    this.#input = filters.find((filter) => filter.filter?.name === 'buffer');
    this.#sinks = this.#sizes.map(
      (_, index) => filters.find((filter) => filter.name?.includes(`out${index}`))!,
    );
    this.#graph = graph;
    this.#shape = shape;
  }
}

function describeGraph(
  frame: Frame,
  source: SourceVideo,
  sizes: readonly PictureSize[],
  colors: PictureColors,
): string {
  const format = avGetPixFmtName(frame.format as AVPixelFormat);
  // Every frame is handled by itself, so times do not matter here.
  const input =
    `buffer=video_size=${frame.width}x${frame.height}:pix_fmt=${format}:time_base=1/1:pixel_aspect=1/1` +
    `:colorspace=${matrixOf(frame, source, colors)}:range=${frame.colorRange}`;
  const output = colors === 'jpeg' ? 'out_range=full:out_color_matrix=bt601' : 'out_range=limited';
  const upright = [input, ...orientationFilters(source)].join(',');
  const labels = sizes.map((_, index) => `[s${index}]`);
  const branches = sizes.map(
    ({ width, height }, index) =>
      `${labels[index]}scale=${width}:${height}:flags=bicubic:${output},format=${avGetPixFmtName(AV_PIX_FMT_YUV420P)}` +
      `,setsar=1,buffersink@out${index}`,
  );
  return [`${upright},split=${sizes.length}${labels.join('')}`, ...branches].join(';');
}

/** Segments keep the matrix of their source, and say which it is. A JPEG cannot: what is untagged must be known. */
function matrixOf(frame: Frame, source: SourceVideo, colors: PictureColors): number {
  const isKnown = frame.colorSpace !== AVCOL_SPC_UNSPECIFIED;
  return isKnown || colors === 'video' ? frame.colorSpace : colorCodes(outputColor(source)).matrix;
}

function orientationFilters({ rotationDegrees, isMirrored }: SourceVideo): readonly string[] {
  const turn = { 0: [], 90: ['transpose=clock'], 180: ['hflip', 'vflip'], 270: ['transpose=cclock'] };
  return [...(isMirrored ? ['hflip'] : []), ...turn[rotationDegrees]];
}

function check(result: number, what: string): void {
  if (result < 0) throw new AppError('encode_failed', `the encoder could not ${what} (${result})`);
}
