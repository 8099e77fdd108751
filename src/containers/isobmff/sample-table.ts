/** The samples of one track of a file that is not fragmented, gathered segment by segment (ISO/IEC 14496-12 8.6). */
import type { ParsedSample } from './parse-media-segment.ts';

/** So many samples in a row have this value. */
export type Run = { count: number; readonly value: number };

/** Samples that lie together, in the segment that they come from and in the file. */
export type Chunk = {
  /** Decode time of the first sample. */
  readonly startTicks: number;
  /** Of its first byte, in the segment. */
  readonly offset: number;
  readonly bytes: number;
};

/** Grows as segments are appended in order. Times are as in the fragments; the first sample may be at any time. */
export class SampleTable {
  readonly sizes: number[] = [];
  readonly durations: Run[] = [];
  readonly compositionOffsets: Run[] = [];
  /** Numbers of the samples where decoding can begin, from 1. */
  readonly syncSamples: number[] = [];
  /** Samples in each chunk, in the order of the file. */
  readonly samplesInChunk: number[] = [];
  /** Decode time of the first sample. */
  firstTicks = 0;
  /** End of the last picture or sound that is shown, edit not taken off. */
  #endTicks = 0;
  #decodeTicks = 0;

  /** Decode time from the first sample to the end of the last. */
  get mediaTicks(): number {
    return this.#decodeTicks - this.firstTicks;
  }

  /** Composition time at which the last sample ends, counted from the first sample's decode time. */
  get endTicks(): number {
    return this.#endTicks - this.firstTicks;
  }

  /** The samples of the next segment; gives the chunks that they make. */
  append(samples: readonly ParsedSample[]): readonly Chunk[] {
    const chunks: { startTicks: number; offset: number; bytes: number }[] = [];
    if (samples[0] !== undefined) this.#moveTo(samples[0].decodeTimeTicks);
    for (const sample of samples) {
      const last = chunks.at(-1);
      if (last !== undefined && last.offset + last.bytes === sample.offset) {
        last.bytes += sample.bytes;
        this.samplesInChunk.push(this.samplesInChunk.pop()! + 1);
      } else {
        chunks.push({ startTicks: this.#decodeTicks, offset: sample.offset, bytes: sample.bytes });
        this.samplesInChunk.push(1);
      }
      this.#add(sample);
    }
    return chunks;
  }

  #add({ bytes, durationTicks, compositionOffsetTicks, isSync }: ParsedSample): void {
    this.sizes.push(bytes);
    if (isSync) this.syncSamples.push(this.sizes.length);
    addToRuns(this.durations, durationTicks);
    addToRuns(this.compositionOffsets, compositionOffsetTicks);
    this.#endTicks = Math.max(this.#endTicks, this.#decodeTicks + compositionOffsetTicks + durationTicks);
    this.#decodeTicks += durationTicks;
  }

  /** A hole between segments is filled by the sample before it, an overlap shortens that one. */
  #moveTo(ticks: number): void {
    const last = this.durations.at(-1);
    if (last === undefined) {
      this.firstTicks = this.#decodeTicks = this.#endTicks = ticks;
      return;
    }
    const duration = Math.max(0, last.value + ticks - this.#decodeTicks);
    if (duration === last.value) return;
    this.#decodeTicks += duration - last.value;
    if (--last.count === 0) this.durations.pop();
    addToRuns(this.durations, duration);
  }
}

function addToRuns(runs: Run[], value: number): void {
  const last = runs.at(-1);
  if (last?.value === value) last.count++;
  else runs.push({ count: 1, value });
}
