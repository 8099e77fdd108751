/** Decoded sound as stereo samples at 48 kHz, each at its exact place, silence where the source has none. */
import { AV_BUFFERSRC_FLAG_KEEP_REF, type AVSampleFormat } from 'node-av/constants';
import {
  avChannelLayoutDescribe,
  avGetSampleFmtName,
  type FilterContext,
  FilterGraph,
  Frame,
} from 'node-av/lib';
import { AppError } from '../../errors.ts';
import { AAC_FRAME_SAMPLES, AUDIO_SAMPLE_RATE } from '../../media/grid.ts';
import type { AudioEncoding } from '../../media/plan.ts';
import type { SourceAudio } from '../../media/source.ts';
import { toNumber } from '../../media/time.ts';
import { decodeFrom } from './decode.ts';
import type { OpenSource } from './source.ts';

const CHANNELS = 2;
/** Decoders and the resampler need a run-up before what they give is exact. */
const PREROLL_SAMPLES = AUDIO_SAMPLE_RATE / 4;
/**
 * Timestamps wobble (millisecond clocks, rounding). Sound this near its place is continuous; anything further
 * off is a gap to be filled with silence, or an overlap to be cut.
 */
const TOLERANCE_SAMPLES = AUDIO_SAMPLE_RATE / 50;

/** One AAC frame's worth of samples: first all of the left channel, then all of the right, 32-bit floats. */
export type PcmBlock = { readonly frame: number; readonly bytes: Buffer };

/** Blocks for the AAC frames `first` up to, not including, `end`; `first` may lie before the start (silence). */
export async function* pcmBlocks(
  source: OpenSource,
  audio: SourceAudio,
  { firstSourceSample }: AudioEncoding,
  first: number,
  end: number,
): AsyncGenerator<PcmBlock> {
  const samplesPerTick = toNumber(audio.timeBase) * AUDIO_SAMPLE_RATE;
  const endSample = end * AAC_FRAME_SAMPLES;
  const blocks = new BlockBuffer(first * AAC_FRAME_SAMPLES);
  const wanted = first * AAC_FRAME_SAMPLES - firstSourceSample - PREROLL_SAMPLES;
  const options = {
    span: audio,
    fromTicks: Math.max(audio.startTicks, audio.startTicks + Math.floor(wanted / samplesPerTick)),
  };
  using resampler = new Resampler();
  for await (const decoded of decodeFrom(source, options)) {
    const place = firstSourceSample + Math.round((Number(decoded.pts) - audio.startTicks) * samplesPerTick);
    for (const { left, right, sample } of resampler.convert(decoded, place))
      blocks.write(sample, left, right);
    yield* blocks.take(endSample);
    if (blocks.position >= endSample) return;
  }
  for (const { left, right, sample } of resampler.flush()) blocks.write(sample, left, right);
  blocks.padTo(endSample);
  yield* blocks.take(endSample);
}

/** Collects samples at absolute places and gives whole blocks. */
class BlockBuffer {
  /** Of the next sample to be written. */
  position: number;
  #hasBegun = false;
  #blockStart: number;
  #left = new Float32Array(AUDIO_SAMPLE_RATE);
  #right = new Float32Array(AUDIO_SAMPLE_RATE);

  constructor(start: number) {
    this.position = start;
    this.#blockStart = start;
  }

  /** Samples whose first belongs at `sample`. */
  write(sample: number, left: Float32Array, right: Float32Array): void {
    // The first samples go exactly where they belong: there is nothing yet that they could continue.
    const isContinuous = this.#hasBegun && Math.abs(sample - this.position) <= TOLERANCE_SAMPLES;
    // What lies before the position is not wanted, or was there already.
    const skip = isContinuous ? 0 : Math.max(0, this.position - sample);
    if (skip >= left.length) return;
    if (!isContinuous && sample > this.position) this.padTo(sample);
    this.#hasBegun = true;
    this.#append(left.subarray(skip), right.subarray(skip));
  }

  /** Silence up to `sample`. */
  padTo(sample: number): void {
    const missing = sample - this.position;
    if (missing > 0) this.#append(new Float32Array(missing), new Float32Array(missing));
  }

  /** The whole blocks that have been collected, none of them at or after `endSample`. */
  *take(endSample: number): Generator<PcmBlock> {
    let offset = 0;
    const available = Math.min(this.position, endSample) - this.#blockStart;
    for (; offset + AAC_FRAME_SAMPLES <= available; offset += AAC_FRAME_SAMPLES) {
      const bytes = Buffer.alloc(AAC_FRAME_SAMPLES * CHANNELS * Float32Array.BYTES_PER_ELEMENT);
      const floats = new Float32Array(bytes.buffer, bytes.byteOffset, AAC_FRAME_SAMPLES * CHANNELS);
      floats.set(this.#left.subarray(offset, offset + AAC_FRAME_SAMPLES), 0);
      floats.set(this.#right.subarray(offset, offset + AAC_FRAME_SAMPLES), AAC_FRAME_SAMPLES);
      yield { frame: (this.#blockStart + offset) / AAC_FRAME_SAMPLES, bytes };
    }
    const kept = this.position - this.#blockStart;
    this.#left.copyWithin(0, offset, kept);
    this.#right.copyWithin(0, offset, kept);
    this.#blockStart += offset;
  }

  #append(left: Float32Array, right: Float32Array): void {
    const used = this.position - this.#blockStart;
    if (used + left.length > this.#left.length) {
      this.#left = grown(this.#left, used + left.length);
      this.#right = grown(this.#right, used + left.length);
    }
    this.#left.set(left, used);
    this.#right.set(right, used);
    this.position += left.length;
  }
}

function grown(samples: Float32Array<ArrayBuffer>, length: number): Float32Array<ArrayBuffer> {
  const larger = new Float32Array(Math.max(length, samples.length * 2));
  larger.set(samples);
  return larger;
}

type PlacedSamples = { readonly sample: number; readonly left: Float32Array; readonly right: Float32Array };

/** Any sample format, rate and channel layout to planar stereo floats at 48 kHz. */
class Resampler implements Disposable {
  #graph: FilterGraph | undefined;
  #input: FilterContext | undefined;
  #output: FilterContext | undefined;
  readonly #frame = new Frame();
  #shape = '';

  constructor() {
    this.#frame.alloc();
  }

  /** `place` is where the first sample of `decoded` belongs at the output's rate. */
  *convert(decoded: Frame, place: number): Generator<PlacedSamples> {
    const layout = avChannelLayoutDescribe(decoded.channelLayout) ?? `${decoded.channels}c`;
    const shape = `${decoded.sampleRate}:${decoded.format}:${layout}`;
    if (shape !== this.#shape) {
      yield* this.flush();
      this.#build(decoded, layout, shape);
    }
    // The filter carries times at the input's rate, and takes its own delay off them.
    decoded.pts = BigInt(Math.round((place * decoded.sampleRate) / AUDIO_SAMPLE_RATE));
    if (this.#input!.buffersrcAddFrameSync(decoded, AV_BUFFERSRC_FLAG_KEEP_REF) < 0) {
      throw new AppError('encode_failed', 'the sound cannot be converted');
    }
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
      const [left, right] = (this.#frame.extendedData ?? this.#frame.data ?? []).map((plane) =>
        samplesOf(plane, this.#frame.nbSamples),
      );
      if (left !== undefined && right !== undefined) yield { sample: Number(this.#frame.pts), left, right };
      this.#frame.unref();
    }
  }

  #build(decoded: Frame, layout: string, shape: string): void {
    this.#graph?.free();
    const graph = new FilterGraph();
    graph.alloc();
    graph.nbThreads = 1;
    const format = avGetSampleFmtName(decoded.format as AVSampleFormat);
    const result = graph.parsePtr(
      `abuffer=time_base=1/${decoded.sampleRate}:sample_rate=${decoded.sampleRate}:sample_fmt=${format}` +
        `:channel_layout=${layout},aresample=${AUDIO_SAMPLE_RATE},` +
        `aformat=sample_fmts=fltp:sample_rates=${AUDIO_SAMPLE_RATE}:channel_layouts=stereo,abuffersink`,
    );
    if (result < 0 || graph.configSync() < 0)
      throw new AppError('encode_failed', 'the sound cannot be converted');
    const filters = graph.filters ?? [];
    this.#input = filters.find((filter) => filter.filter?.name === 'abuffer');
    this.#output = filters.find((filter) => filter.filter?.name === 'abuffersink');
    this.#graph = graph;
    this.#shape = shape;
  }
}

/** The plane's samples; copied, since FFmpeg's memory may not be aligned for a Float32Array and is used again. */
function samplesOf(plane: Buffer, count: number): Float32Array {
  const copy = new Float32Array(count);
  new Uint8Array(copy.buffer).set(plane.subarray(0, count * Float32Array.BYTES_PER_ELEMENT));
  return copy;
}
