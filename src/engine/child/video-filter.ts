/** From decoded frames to the pictures of each rung: rotation, square pixels, size, pixel format. */
import {
  AV_BUFFERSRC_FLAG_KEEP_REF,
  AV_PIX_FMT_GBRPF32LE,
  AVCOL_RANGE_JPEG,
  AVCOL_SPC_RGB,
} from 'node-av/constants';
import { type FilterContext, FilterGraph, Frame } from 'node-av/lib';
import { AppError } from '../../errors.ts';
import type { SourceVideo } from '../../media/source.ts';
import { isBackground } from './background.ts';
import { describeGraph, NODES, type PictureColors, type PictureSize, shapeOf } from './filter-graph.ts';
import { type Conversion, conversionOf, conversionTable, TABLE_SIDE } from './tone-map.ts';

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
  #count = 0n;

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
    const shape = shapeOf(frame);
    if (shape !== this.#shape) this.#build(frame, shape);
    for (const output of this.#outputs) output.unref();
    // Filters with two inputs go by times: any that ascend.
    const { pts } = frame;
    frame.pts = this.#count++;
    check(this.#input!.buffersrcAddFrameSync(frame, AV_BUFFERSRC_FLAG_KEEP_REF), 'add a frame');
    frame.pts = pts;
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
    const conversion = conversionOf(this.#source.color);
    // Converting colours is work for several, if someone waits for it; scaling is not.
    graph.nbThreads = conversion === undefined || isBackground() ? 1 : 0;
    check(graph.parsePtr(describeGraph(frame, this.#source, this.#sizes, this.#colors)), 'build the filters');
    check(graph.configSync(), 'configure the filters');
    const named = (name: string): FilterContext | undefined =>
      graph.filters?.find((filter) => filter.name === name);
    this.#input = named(NODES.input);
    this.#sinks = this.#sizes.map((_, index) => named(`${NODES.output}${index}`)!);
    this.#graph = graph;
    this.#shape = shape;
    if (conversion !== undefined) this.#putTable(conversion, named(NODES.table)!);
  }

  /** It stays for all frames. */
  #putTable(conversion: Conversion, input: FilterContext): void {
    using table = tableFrame(conversion);
    check(input.buffersrcAddFrameSync(table), 'add a table of colours');
    check(input.buffersrcAddFrameSync(null), 'add a table of colours');
  }
}

function tableFrame(conversion: Conversion): Frame {
  const frame = new Frame();
  frame.alloc();
  frame.width = TABLE_SIDE;
  frame.height = TABLE_SIDE;
  frame.format = AV_PIX_FMT_GBRPF32LE;
  frame.colorSpace = AVCOL_SPC_RGB;
  frame.colorRange = AVCOL_RANGE_JPEG;
  frame.pts = 0n;
  check(frame.allocBuffer(), 'make a table of colours');
  conversionTable(conversion).forEach((values, plane) => {
    const rowBytes = TABLE_SIDE * Float32Array.BYTES_PER_ELEMENT;
    const bytes = new Uint8Array(values.buffer);
    for (let row = 0; row < TABLE_SIDE; row++) {
      frame.data![plane]!.set(
        bytes.subarray(row * rowBytes, (row + 1) * rowBytes),
        row * frame.linesize[plane]!,
      );
    }
  });
  return frame;
}

function check(result: number, what: string): void {
  if (result < 0) throw new AppError('encode_failed', `the encoder could not ${what} (${result})`);
}
