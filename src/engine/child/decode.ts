/** Decoding one track from a place in time, whatever the container's seeking is worth. */
import { AV_NOPTS_VALUE, AVERROR_EOF, AVMEDIA_TYPE_AUDIO } from 'node-av/constants';
import { Codec, CodecContext, Frame, Packet, type Stream } from 'node-av/lib';
import type { ContainerName } from '../../containers/sniff.ts';
import { AppError } from '../../errors.ts';
import type { SourceSpan } from '../../media/source.ts';
import { toNumber } from '../../media/time.ts';
import { isBackground } from './background.ts';
import { MAX_PIXELS } from './limits.ts';
import type { OpenSource } from './source.ts';
import { MAX_LEAD_SECONDS, rewind, seekTo } from './timestamps.ts';

/** Where an imprecise seek lands too late, it is repeated from this much earlier, in seconds. */
const EARLIER_SECONDS = [0, 3, 12, 60, Number.POSITIVE_INFINITY];
/** How many errors in a row end the reading: damage in the middle is stepped over, a broken end is not. */
const MAX_ERRORS = 500;

export type DecodeOptions = {
  readonly span: SourceSpan & { readonly streamIndex: number };
  /** Ticks of the track: the first frame given is at or before this one, or the first of all. */
  readonly fromTicks: number;
  /**
   * Frames before this one are hardly needed: not decoded where nothing depends on them. Asked for each frame.
   */
  readonly skipBeforeTicks?: () => number;
  /** The frame that is shown at `fromTicks` is needed even if it lies before those: a hole may reach back to it. */
  readonly mustShowFrom?: boolean;
  /**
   * Packets that end before this one are not decoded, so that wherever a seek has landed, decoding begins at the same
   * one: what decoders draw by chance or remember of damage is then the same, too.
   */
  readonly beginTicks?: number;
  /** What a frame lasts: needed where the container has no presentation times. */
  readonly frameTicks?: number;
};

/**
 * A decoder for the track, ready for packets. The caller frees it. Work that someone waits for uses every core unless
 * told otherwise; of the other there is one process for each core already.
 */
export function openDecoder(
  source: OpenSource,
  streamIndex: number,
  threads = isBackground() ? 1 : 0,
): CodecContext {
  const stream = source.streams[streamIndex];
  const codec = stream === undefined ? null : Codec.findDecoder(stream.codecpar.codecId);
  if (stream === undefined || codec === null)
    throw new AppError('source_damaged', 'a track has vanished from the file');
  // Decoders would leave so much out wherever they begin; packets say what has to be left out, where it is.
  stream.codecpar.initialPadding = 0;
  const decoder = new CodecContext();
  decoder.allocContext3(codec);
  decoder.parametersToContext(stream.codecpar);
  decoder.pktTimebase = stream.timeBase;
  decoder.threadCount = threads;
  // The picture inside may be larger than the container claims.
  decoder.setOption('max_pixels', String(MAX_PIXELS));
  if (decoder.open2Sync(codec, null) < 0)
    throw new AppError('source_unsupported', 'a track cannot be decoded');
  return decoder;
}

/**
 * Decoded frames from `fromTicks` to the end of the track, in order of presentation, `pts` in ticks of the
 * track. A frame is valid until the next is asked for. Damaged ones are left out.
 */
export async function* decodeFrom(source: OpenSource, options: DecodeOptions): AsyncGenerator<Frame> {
  const { span, fromTicks } = options;
  const wanted = Math.min(fromTicks, options.beginTicks ?? fromTicks) * toNumber(span.timeBase);
  const first = span.startTicks * toNumber(span.timeBase);
  let { skipBeforeTicks = nothing } = options;
  for (let attempt = 0; ; ) {
    const target = Math.max(first, wanted - EARLIER_SECONDS[attempt]!);
    // FFmpeg seeks by the index of the picture, unless that is left out.
    source.readAll();
    const stream = seekStream(source, span);
    await (target > first ? seekTo(source, target, stream) : backToStart(source, span, first));
    source.readOnly([span.streamIndex]);
    // A new one each time: some keep something of what they have decoded even when flushed.
    using decoder = openDecoder(source, span.streamIndex);
    const frames = decodeOn(source, decoder, { ...options, skipBeforeTicks }, attempt === 0);
    const neededTicks = options.mustShowFrom ? skipBeforeTicks() : Number.NEGATIVE_INFINITY;
    const outcome = yield* upToHole(frames, fromTicks, neededTicks, target > first);
    if (outcome === 'complete') return;
    if (outcome === 'hole') skipBeforeTicks = nothing;
    else attempt++;
  }
}

/**
 * Passes frames on, and says whether that was all. Not if the first was `too late` (which only matters while an
 * earlier start is possible), or if a hole reaches back to where frames were left out, one of which it may show.
 */
async function* upToHole(
  frames: AsyncGenerator<Frame>,
  fromTicks: number,
  neededTicks: number,
  canBeginEarlier: boolean,
): AsyncGenerator<Frame, 'complete' | 'too late' | 'hole'> {
  let last = Number.NEGATIVE_INFINITY;
  for await (const frame of frames) {
    const ticks = Number(frame.pts);
    const isFirst = last === Number.NEGATIVE_INFINITY;
    if (isFirst && ticks > fromTicks && canBeginEarlier) return 'too late';
    if (ticks > fromTicks && last < neededTicks) return 'hole';
    last = ticks;
    yield frame;
  }
  return last === Number.NEGATIVE_INFINITY && canBeginEarlier ? 'too late' : 'complete';
}

/**
 * To where a new process stands. Sound is not the same after seeking there, not even in an MP4; pictures are, and opening
 * a long one again would delay the first of them (docs/decisions/095).
 */
async function backToStart(
  source: OpenSource,
  span: DecodeOptions['span'],
  startSeconds: number,
): Promise<void> {
  const isSound = source.streams[span.streamIndex]?.codecpar.codecType === AVMEDIA_TYPE_AUDIO;
  await (isSound ? source.reopen() : rewind(source, startSeconds, seekStream(source, span)));
}

/**
 * An MP4 has an index of every track, so sound need not start at a keyframe of the picture, which may be a minute
 * before. Other containers have one of the picture at most: FFmpeg then knows best, as long as that is of use.
 */
export function seekStream(source: OpenSource, span: DecodeOptions['span']): Stream | undefined {
  const hasOwnIndex = source.handle.container === 'mov' || source.isIndexSparse;
  return hasOwnIndex ? source.streams[span.streamIndex] : undefined;
}

/** Decodes from where the demuxer stands, or from nearer to what is wanted, if that is far away and `maySeek`. */
async function* decodeOn(
  source: OpenSource,
  decoder: CodecContext,
  { span, skipBeforeTicks = nothing, beginTicks = Number.NEGATIVE_INFINITY, frameTicks }: DecodeOptions,
  maySeek: boolean,
): AsyncGenerator<Frame> {
  using packet = new Packet();
  packet.alloc();
  using frame = new Frame();
  frame.alloc();
  const clock = new FrameClock(source.handle.container, frameTicks);
  let isSkipping = false;
  const maxLeadTicks = MAX_LEAD_SECONDS / toNumber(span.timeBase);
  for (let errors = 0; errors < MAX_ERRORS; ) {
    await source.pause();
    const result = await source.readFrame(packet);
    if (result < 0 && result !== AVERROR_EOF) {
      source.throwIfReadFailed();
      errors++;
      continue;
    }
    if (result === AVERROR_EOF) break;
    errors = 0;
    const isFar = packet.pts !== AV_NOPTS_VALUE && packet.pts < beginTicks - maxLeadTicks;
    if (isFar && maySeek && !source.isIndexSparse) {
      source.isIndexSparse = true;
      await seekTo(source, beginTicks * toNumber(span.timeBase), seekStream(source, span));
      packet.unref();
      continue;
    }
    if (packet.streamIndex === span.streamIndex && !endsBefore(packet, beginTicks)) {
      const shouldSkip = packet.pts !== AV_NOPTS_VALUE && packet.pts < skipBeforeTicks();
      if (shouldSkip !== isSkipping) {
        isSkipping = shouldSkip;
        decoder.setOption('skip_frame', isSkipping ? 'noref' : 'default');
      }
      decoder.sendPacketSync(packet);
      yield* receiveFrames(decoder, frame, clock);
    }
    packet.unref();
  }
  source.throwIfReadFailed();
  decoder.sendPacketSync(null);
  yield* receiveFrames(decoder, frame, clock);
}

function endsBefore({ pts, duration }: Packet, ticks: number): boolean {
  return pts !== AV_NOPTS_VALUE && duration > 0n && Number(pts + duration) <= ticks;
}

function nothing(): number {
  return Number.NEGATIVE_INFINITY;
}

function* receiveFrames(decoder: CodecContext, frame: Frame, clock: FrameClock): Generator<Frame> {
  while (decoder.receiveFrameSync(frame) >= 0) {
    frame.pts = clock.timeOf(frame, decoder);
    if (frame.pts !== AV_NOPTS_VALUE) yield frame;
    frame.unref();
  }
}

/** When a frame is shown, in ticks. */
class FrameClock {
  readonly #hasPresentationTimes: boolean;
  readonly #frameTicks: number;
  #last: bigint = AV_NOPTS_VALUE;
  #lastDuration = 0n;

  constructor(container: ContainerName, frameTicks: number | undefined) {
    // AVI has decode times only. What FFmpeg makes of them is right for some frames and not for others.
    this.#hasPresentationTimes = container !== 'avi' || frameTicks === undefined;
    this.#frameTicks = frameTicks ?? 0;
  }

  timeOf(frame: Frame, decoder: CodecContext): bigint {
    const time = this.#knownTime(frame, decoder);
    // Of several frames in one packet only the first has a time; of the last ones nothing is known in AVI.
    if (time !== AV_NOPTS_VALUE) this.#last = time;
    else if (this.#last !== AV_NOPTS_VALUE) this.#last += this.#lastDuration;
    this.#lastDuration = this.#durationOf(frame, decoder);
    return this.#last;
  }

  #durationOf({ nbSamples, sampleRate }: Frame, { pktTimebase: { num, den } }: CodecContext): bigint {
    if (nbSamples === 0 || sampleRate === 0) return BigInt(this.#frameTicks);
    return BigInt(Math.round((nbSamples * den) / (sampleRate * num)));
  }

  #knownTime(frame: Frame, decoder: CodecContext): bigint {
    if (this.#hasPresentationTimes)
      return frame.pts === AV_NOPTS_VALUE ? frame.bestEffortTimestamp : frame.pts;
    // The decode time is that of the packet with which the frame was complete.
    return frame.pktDts === AV_NOPTS_VALUE
      ? AV_NOPTS_VALUE
      : frame.pktDts - BigInt(decoder.hasBFrames * this.#frameTicks);
  }
}
