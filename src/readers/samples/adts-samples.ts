/** Frames of AAC out of chunks of ADTS that each say a time: PES packets, or a whole segment of packed audio. */
import { type AdtsFrame, SAMPLES_PER_FRAME, splitAdts } from '../../containers/aac/adts.ts';
import {
  SAMPLING_FREQUENCIES,
  writeAudioSpecificConfig,
} from '../../containers/aac/audio-specific-config.ts';
import { CLOCK_HZ, CLOCK_WRAP } from '../../containers/mpegts/packet.ts';
import type { StreamSample, StreamSamples } from './stream-samples.ts';

/** `clockTicks`: the time of the first frame that begins in `data` (ISO/IEC 13818-1 2.4.3.7), wraps taken out. */
export type TimedAdts = { readonly clockTicks: number; readonly data: Uint8Array };

/** Undefined where there is no whole frame. */
export function adtsSamples(streamId: number, chunks: readonly TimedAdts[]): StreamSamples | undefined {
  const placed = placeFrames(chunks);
  const first = placed[0]?.frame.config;
  if (first === undefined) return undefined;
  const timescale = SAMPLING_FREQUENCIES[first.frequencyIndex]!;
  return {
    streamId,
    description: {
      kind: 'audio',
      timescale,
      sampleRate: timescale,
      channels: first.channelConfiguration === 7 ? 8 : first.channelConfiguration,
      audioSpecificConfig: writeAudioSpecificConfig(first),
      codecs: `mp4a.40.${first.objectType}`,
      editTicks: 0,
    },
    samples: placed.map(
      ({ ticks, frame }, i): StreamSample => ({
        decodeTicks: ticks,
        compositionOffsetTicks: 0,
        durationTicks: (placed[i + 1]?.ticks ?? ticks + SAMPLES_PER_FRAME) - ticks,
        isSync: true,
        data: frame.data,
      }),
    ),
    wrapTicks: (CLOCK_WRAP * timescale) / CLOCK_HZ,
  };
}

type PlacedFrame = { readonly ticks: number; readonly frame: AdtsFrame };

/** A frame may begin in one chunk and end in the next. */
function placeFrames(chunks: readonly TimedAdts[]): readonly PlacedFrame[] {
  const placed: PlacedFrame[] = [];
  let rest: Uint8Array = new Uint8Array();
  for (const { clockTicks, data } of chunks) {
    const joined = rest.length === 0 ? data : Buffer.concat([rest, data]);
    const { frames, end } = splitAdts(joined);
    let isTimed = false;
    for (const frame of frames) {
      const before = placed.at(-1);
      const next = before === undefined ? undefined : before.ticks + SAMPLES_PER_FRAME;
      const beginsHere: boolean = frame.offset >= rest.length && !isTimed;
      isTimed ||= beginsHere;
      const said = beginsHere ? samplesAt(clockTicks, frame) : next;
      if (said === undefined) continue;
      // Times are rounded, so frames follow each other unless there is a hole.
      placed.push({ ticks: next === undefined || said > next + SAMPLES_PER_FRAME ? said : next, frame });
    }
    rest = joined.slice(end);
  }
  return placed;
}

function samplesAt(clockTicks: number, { config }: AdtsFrame): number {
  return Math.round((clockTicks * SAMPLING_FREQUENCIES[config.frequencyIndex]!) / CLOCK_HZ);
}
