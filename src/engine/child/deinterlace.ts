/** From frames of two fields, which are half a frame apart in time, to one whole picture for each field. */
import { AV_BUFFERSRC_FLAG_KEEP_REF, type AVPixelFormat } from 'node-av/constants';
import { avGetPixFmtName, type FilterContext, FilterGraph, Frame } from 'node-av/lib';
import { AppError } from '../../errors.ts';
import { shapeOf } from './filter-graph.ts';

/** Source frames before the first that is wanted: a field is completed from its neighbours. */
export const LEAD_IN_FRAMES = 3;

/** A picture and when it is shown, in ticks of the track. The picture is valid until the next is asked for. */
export type TimedFrame = { readonly frame: Frame; readonly ticks: number };

/** Frames that are marked as progressive come out as they are, once. `pts` of what comes in are ticks. */
export async function* deinterlaced(frames: AsyncIterable<Frame>): AsyncGenerator<TimedFrame> {
  using filter = new Deinterlacer();
  for await (const frame of frames) {
    const shape = shapeOf(frame);
    if (filter.shape !== shape) {
      yield* filter.end();
      filter.begin(frame, shape);
    }
    yield* filter.add(frame);
  }
  yield* filter.end();
}

class Deinterlacer implements Disposable {
  shape = '';
  #graph: FilterGraph | undefined;
  #input: FilterContext | undefined;
  #output: FilterContext | undefined;
  readonly #frame = new Frame();

  constructor() {
    this.#frame.alloc();
  }

  begin(frame: Frame, shape: string): void {
    this.#graph?.free();
    const graph = new FilterGraph();
    graph.alloc();
    graph.nbThreads = 1;
    const format = avGetPixFmtName(frame.format as AVPixelFormat);
    // Output times count half ticks: a frame's second field lies between it and the next.
    const description =
      `buffer=video_size=${frame.width}x${frame.height}:pix_fmt=${format}:time_base=1/1` +
      `:colorspace=${frame.colorSpace}:range=${frame.colorRange}` +
      ',bwdif=mode=send_field:parity=auto:deint=interlaced,buffersink';
    if (graph.parsePtr(description) < 0 || graph.configSync() < 0)
      throw new AppError('encode_failed', 'the fields of the picture cannot be put together');
    this.#input = graph.filters?.find(({ filter }) => filter?.name === 'buffer');
    this.#output = graph.filters?.find(({ filter }) => filter?.name === 'buffersink');
    this.#graph = graph;
    this.shape = shape;
  }

  *add(frame: Frame): Generator<TimedFrame> {
    this.#input!.buffersrcAddFrameSync(frame, AV_BUFFERSRC_FLAG_KEEP_REF);
    yield* this.#receive();
  }

  *end(): Generator<TimedFrame> {
    if (this.#input === undefined) return;
    this.#input.buffersrcAddFrameSync(null);
    yield* this.#receive();
    this.#input = undefined;
  }

  *#receive(): Generator<TimedFrame> {
    while (this.#output!.buffersinkGetFrameSync(this.#frame) >= 0) {
      yield { frame: this.#frame, ticks: Number(this.#frame.pts) / 2 };
      this.#frame.unref();
    }
  }

  [Symbol.dispose](): void {
    this.#frame.free();
    this.#graph?.free();
  }
}
