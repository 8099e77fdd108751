/** Decoded sound at 48 kHz in each layout that is put out, every sample at its exact place, silence where there is none. */
import { AAC_FRAME_SAMPLES, AUDIO_SAMPLE_RATE } from '../../media/grid.ts';
import { type AudioLayout, channelsOf } from '../../media/plan.ts';
import type { SourceAudio } from '../../media/source.ts';
import { toNumber } from '../../media/time.ts';
import { decodeFrom } from './decode.ts';
import { Resampler } from './resampler.ts';
import type { OpenSource } from './source.ts';

/** Decoders and the resampler need a run-up before what they give is exact. */
const PREROLL_SAMPLES = AUDIO_SAMPLE_RATE / 4;
/** Some decoders give nothing for the first packets: before the run-up come so many more. */
const WARM_UP_SAMPLES = AUDIO_SAMPLE_RATE / 5;
/**
 * Timestamps wobble (millisecond clocks, rounding). Sound this near its place is continuous; anything further
 * off is a gap to be filled with silence, or an overlap to be cut.
 */
const TOLERANCE_SAMPLES = AUDIO_SAMPLE_RATE / 50;

/** One AAC frame's worth of samples of one layout: 32-bit floats, all of a channel and then all of the next. */
export type PcmBlock = { readonly layout: AudioLayout; readonly frame: number; readonly bytes: Buffer };

/** What is wanted of a sound: AAC frames `first` up to, not including, `end`. */
export type PcmRequest = {
  readonly layouts: readonly AudioLayout[];
  /** The place of the source's first sample. */
  readonly firstSourceSample: number;
  /** May lie before the start (silence). */
  readonly first: number;
  readonly end: number;
};

/** The blocks of each layout in order, all from one decode. */
export async function* pcmBlocks(
  source: OpenSource,
  audio: SourceAudio,
  { layouts, firstSourceSample, first, end }: PcmRequest,
): AsyncGenerator<PcmBlock> {
  const samplesPerTick = toNumber(audio.timeBase) * AUDIO_SAMPLE_RATE;
  const endSample = end * AAC_FRAME_SAMPLES;
  const wanted = first * AAC_FRAME_SAMPLES - firstSourceSample - PREROLL_SAMPLES;
  const fromTicks = Math.max(audio.startTicks, audio.startTicks + Math.floor(wanted / samplesPerTick));
  const beginTicks = fromTicks - Math.ceil(WARM_UP_SAMPLES / samplesPerTick);
  const ownSamples = (audio.endTicks - audio.startTicks) * samplesPerTick;
  const isSilent = endSample <= firstSourceSample || wanted >= ownSamples;
  using stack = new DisposableStack();
  const outputs = layouts.map((layout) => ({
    resampler: stack.use(new Resampler(layout)),
    blocks: new BlockBuffer(layout, first * AAC_FRAME_SAMPLES, endSample),
  }));
  for await (const decoded of isSilent ? [] : decodeFrom(source, { span: audio, fromTicks, beginTicks })) {
    const place = firstSourceSample + Math.round((Number(decoded.pts) - audio.startTicks) * samplesPerTick);
    for (const { resampler, blocks } of outputs) {
      for (const { sample, planes } of resampler.convert(decoded, place)) blocks.write(sample, planes);
      yield* blocks.take();
    }
    if (outputs.every(({ blocks }) => blocks.position >= endSample)) return;
  }
  for (const { resampler, blocks } of outputs) {
    for (const { sample, planes } of resampler.flush()) blocks.write(sample, planes);
    blocks.padTo(endSample);
    yield* blocks.take();
  }
}

/** Collects samples at absolute places, up to an end, and gives whole blocks. */
class BlockBuffer {
  /** Of the next sample to be written. */
  position: number;
  readonly #layout: AudioLayout;
  readonly #end: number;
  #hasBegun = false;
  #blockStart: number;
  #planes: Float32Array<ArrayBuffer>[];

  constructor(layout: AudioLayout, start: number, end: number) {
    this.#layout = layout;
    this.#end = end;
    this.position = start;
    this.#blockStart = start;
    this.#planes = this.#silence(AUDIO_SAMPLE_RATE);
  }

  /** One plane for each channel; their first samples belong at `sample`. */
  write(sample: number, planes: readonly Float32Array[]): void {
    // The first samples go exactly where they belong: there is nothing yet that they could continue.
    const isContinuous = this.#hasBegun && Math.abs(sample - this.position) <= TOLERANCE_SAMPLES;
    // What lies before the position is not wanted, or was there already.
    const skip = isContinuous ? 0 : Math.max(0, this.position - sample);
    if (skip >= planes[0]!.length) return;
    if (!isContinuous && sample > this.position) this.padTo(sample);
    if (this.position >= this.#end) return;
    this.#hasBegun = true;
    this.#append(planes.map((plane) => plane.subarray(skip)));
  }

  /** Silence up to `sample`, or to the end: the hole may last for hours. */
  padTo(sample: number): void {
    const missing = Math.min(sample, this.#end) - this.position;
    if (missing > 0) this.#append(this.#silence(missing));
  }

  /** The whole blocks that have been collected, none of them at or after the end. */
  *take(): Generator<PcmBlock> {
    let offset = 0;
    const available = Math.min(this.position, this.#end) - this.#blockStart;
    for (; offset + AAC_FRAME_SAMPLES <= available; offset += AAC_FRAME_SAMPLES) {
      const floats = new Float32Array(AAC_FRAME_SAMPLES * this.#planes.length);
      for (const [channel, plane] of this.#planes.entries()) {
        floats.set(plane.subarray(offset, offset + AAC_FRAME_SAMPLES), channel * AAC_FRAME_SAMPLES);
      }
      const frame = (this.#blockStart + offset) / AAC_FRAME_SAMPLES;
      yield { layout: this.#layout, frame, bytes: Buffer.from(floats.buffer) };
    }
    const kept = this.position - this.#blockStart;
    for (const plane of this.#planes) plane.copyWithin(0, offset, kept);
    this.#blockStart += offset;
  }

  #append(planes: readonly Float32Array[]): void {
    const used = this.position - this.#blockStart;
    const length = planes[0]!.length;
    for (const [channel, plane] of planes.entries()) {
      if (used + length > this.#planes[channel]!.length) {
        this.#planes[channel] = grown(this.#planes[channel]!, used + length);
      }
      this.#planes[channel]!.set(plane, used);
    }
    this.position += length;
  }

  #silence(samples: number): Float32Array<ArrayBuffer>[] {
    return Array.from({ length: channelsOf(this.#layout) }, () => new Float32Array(samples));
  }
}

function grown(samples: Float32Array, length: number): Float32Array<ArrayBuffer> {
  const larger = new Float32Array(Math.max(length, samples.length * 2));
  larger.set(samples);
  return larger;
}
