/** What is in a segment: samples of stored CMAF segments, wrapped into a transport stream. */
import { type AacConfig, parseAudioSpecificConfig } from '../../containers/aac/audio-specific-config.ts';
import { writeAdts } from '../../containers/aac/adts.ts';
import { parseAvcC, toAnnexB } from '../../containers/h264/to-annex-b.ts';
import { type ParsedInitTrack, parseInitSegment } from '../../containers/isobmff/parse-init-segment.ts';
import { type ParsedSample, parseMediaSegment } from '../../containers/isobmff/parse-media-segment.ts';
import { CLOCK_HZ } from '../../containers/mpegts/packet.ts';
import { type TransportUnit, writeTransportSegment } from '../../containers/mpegts/write-segment.ts';
import { AppError } from '../../errors.ts';
import { TRANSPORT_START_TICKS } from '../../media/captions.ts';

/** Frames of sound in one packet: their headers cost less, and the clock is still read ten times a second. */
const FRAMES_TOGETHER = 4;

/** The stored bytes that a segment is made of. */
export type SegmentParts = {
  readonly index: number;
  /** Absent where the stream has no picture; without `segments` where only the sound goes on. */
  readonly video?: { readonly init: Uint8Array; readonly segment?: Uint8Array };
  readonly audio?: {
    readonly init: Uint8Array;
    readonly segments: readonly Uint8Array[];
    /** Frames that begin from here up to, not including, `untilTicks`: presentation time in ticks of the track. */
    readonly fromTicks: number;
    readonly untilTicks: number;
  };
};

/** Throws `source_damaged` where the bytes are not what a transport stream can carry. */
export function transportSegment({ index, video, audio }: SegmentParts): Uint8Array {
  return writeTransportSegment({
    index,
    ...(video === undefined ? {} : { video: pictures(video) }),
    ...(audio === undefined ? {} : { audio: sound(audio) }),
  });
}

type Timed = { readonly sample: ParsedSample; readonly data: Uint8Array };

function pictures({ init, segment }: NonNullable<SegmentParts['video']>): readonly TransportUnit[] {
  const track = trackOf(init, 'video');
  const config = parseAvcC(track.configuration);
  return segment === undefined
    ? []
    : samplesOf(segment, track).map(({ sample, data }) => {
        const decodeTicks = clockTicks(sample.decodeTimeTicks, track);
        const shownAt = clockTicks(sample.decodeTimeTicks + sample.compositionOffsetTicks, track);
        return {
          // A picture is never shown before it is decoded, whatever a package says.
          decodeTicks: Math.min(decodeTicks, shownAt),
          presentationTicks: shownAt,
          isRandomAccess: sample.isSync,
          data: toAnnexB(data, config, sample.isSync),
        };
      });
}

function sound(audio: NonNullable<SegmentParts['audio']>): readonly TransportUnit[] {
  const track = trackOf(audio.init, 'audio');
  const config = parseAudioSpecificConfig(track.configuration);
  const frames = audio.segments
    .flatMap((segment) => samplesOf(segment, track))
    .filter(({ sample }) => {
      const ticks = sample.decodeTimeTicks - track.presentationOffsetTicks;
      return ticks >= audio.fromTicks && ticks < audio.untilTicks;
    });
  const units: TransportUnit[] = [];
  for (let first = 0; first < frames.length; first += FRAMES_TOGETHER)
    units.push(unitOf(frames.slice(first, first + FRAMES_TOGETHER), track, config));
  return units;
}

function unitOf(frames: readonly Timed[], track: ParsedInitTrack, config: AacConfig): TransportUnit {
  const ticks = clockTicks(frames[0]!.sample.decodeTimeTicks, track);
  const data = writeAdts(
    config,
    frames.map((frame) => frame.data),
  );
  return { decodeTicks: ticks, presentationTicks: ticks, isRandomAccess: true, data };
}

type ConfiguredTrack = ParsedInitTrack & { readonly configuration: Uint8Array };

function trackOf(init: Uint8Array, kind: 'video' | 'audio'): ConfiguredTrack {
  const track = parseInitSegment(init).find((candidate) => candidate.kind === kind);
  if (track?.configuration === undefined)
    throw new AppError('source_damaged', `there is no ${kind} that a transport stream can carry`);
  return { ...track, configuration: track.configuration };
}

function samplesOf(segment: Uint8Array, { trackId, defaults }: ParsedInitTrack): readonly Timed[] {
  const track = parseMediaSegment(segment, new Map([[trackId, defaults]])).find(
    (candidate) => candidate.trackId === trackId,
  );
  return (track?.samples ?? []).map((sample) => ({
    sample,
    data: segment.subarray(sample.offset, sample.offset + sample.bytes),
  }));
}

/** From the track's own time to the stream's clock; the init segment's edit is taken off. */
function clockTicks(ticks: number, { timescale, presentationOffsetTicks }: ParsedInitTrack): number {
  return TRANSPORT_START_TICKS + Math.round(((ticks - presentationOffsetTicks) * CLOCK_HZ) / timescale);
}
