/** Any sample format, rate and channel layout to planar floats at 48 kHz in one of the layouts that are put out. */
import { AV_BUFFERSRC_FLAG_KEEP_REF, type AVSampleFormat } from 'node-av/constants';
import {
  avChannelLayoutDescribe,
  avGetSampleFmtName,
  type FilterContext,
  FilterGraph,
  Frame,
} from 'node-av/lib';
import { AppError } from '../../errors.ts';
import { AUDIO_SAMPLE_RATE } from '../../media/grid.ts';
import type { AudioLayout } from '../../media/plan.ts';

/** One plane for each channel, and where their first samples belong, counted at 48 kHz. */
export type PlacedSamples = { readonly sample: number; readonly planes: readonly Float32Array[] };

/** Follows the source where its format changes on the way. */
export class Resampler implements Disposable {
  readonly #layout: AudioLayout;
  #graph: FilterGraph | undefined;
  #input: FilterContext | undefined;
  #output: FilterContext | undefined;
  readonly #frame = new Frame();
  #shape = '';

  constructor(layout: AudioLayout) {
    this.#layout = layout;
    this.#frame.alloc();
  }

  /** `place` is where the first sample of `decoded` belongs at the output's rate. */
  *convert(decoded: Frame, place: number): Generator<PlacedSamples> {
    const layout = avChannelLayoutDescribe(decoded.channelLayout) ?? '';
    const shape = `${decoded.sampleRate}:${decoded.format}:${layout}`;
    if (shape !== this.#shape) {
      yield* this.flush();
      this.#build(decoded, layout);
      this.#shape = shape;
    }
    // The filter carries times at the input's rate, and takes its own delay off them.
    decoded.pts = BigInt(Math.round((place * decoded.sampleRate) / AUDIO_SAMPLE_RATE));
    if (this.#input!.buffersrcAddFrameSync(decoded, AV_BUFFERSRC_FLAG_KEEP_REF) < 0) throw notConverted();
    yield* this.#receive();
  }

  /** What the resampler still holds. */
  *flush(): Generator<PlacedSamples> {
    if (this.#input === undefined) return;
    this.#input.buffersrcAddFrameSync(null);
    yield* this.#receive();
  }

  [Symbol.dispose](): void {
    this.#frame.free();
    this.#graph?.free();
  }

  *#receive(): Generator<PlacedSamples> {
    while (this.#output!.buffersinkGetFrameSync(this.#frame) >= 0) {
      yield { sample: Number(this.#frame.pts), planes: planesOf(this.#frame) };
      this.#frame.unref();
    }
  }

  #build(decoded: Frame, layout: string): void {
    this.#graph?.free();
    // A layout that nothing is known about but its number of channels is taken for the usual one of so many.
    const graph =
      openGraph(decoded, layout, this.#layout) ?? openGraph(decoded, `${decoded.channels}c`, this.#layout);
    if (graph === undefined) throw notConverted();
    const filters = graph.filters ?? [];
    this.#input = filters.find((filter) => filter.filter?.name === 'abuffer');
    this.#output = filters.find((filter) => filter.filter?.name === 'abuffersink');
    this.#graph = graph;
  }
}

/**
 * `rematrix_maxval` scales a downmix so that it cannot clip, however loud all channels are at once. The low-frequency
 * channel is left out of stereo (ITU-R BS.775-4, annex 4): what it holds is there in addition to the others.
 */
function openGraph(decoded: Frame, from: string, to: AudioLayout): FilterGraph | undefined {
  const graph = new FilterGraph();
  graph.alloc();
  graph.nbThreads = 1;
  const format = avGetSampleFmtName(decoded.format as AVSampleFormat);
  const result = graph.parsePtr(
    `abuffer=time_base=1/${decoded.sampleRate}:sample_rate=${decoded.sampleRate}:sample_fmt=${format}` +
      `:channel_layout=${from},aresample=${AUDIO_SAMPLE_RATE}:rematrix_maxval=1,` +
      `aformat=sample_fmts=fltp:sample_rates=${AUDIO_SAMPLE_RATE}:channel_layouts=${to},abuffersink`,
  );
  if (result >= 0 && graph.configSync() >= 0) return graph;
  graph.free();
  return undefined;
}

function notConverted(): AppError {
  return new AppError('encode_failed', 'the sound cannot be converted');
}

/** One copy for all channels, which lie one after the other in it. */
function planesOf(frame: Frame): readonly Float32Array[] {
  const bytes = frame.toBuffer();
  const samples = frame.nbSamples;
  return Array.from({ length: frame.channels }, (_, channel) => {
    const offset = bytes.byteOffset + channel * samples * Float32Array.BYTES_PER_ELEMENT;
    return new Float32Array(bytes.buffer, offset, samples);
  });
}
