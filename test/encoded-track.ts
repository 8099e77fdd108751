/**
 * Real tracks for tests of containers and formats: pictures and sound encoded by x264 and FFmpeg's AAC, cut
 * into segments by our own writer. Every segment run is encoded on its own, as the engine does it.
 */
import {
  AV_CH_LAYOUT_STEREO,
  AV_CHANNEL_ORDER_NATIVE,
  AV_CODEC_FLAG_GLOBAL_HEADER,
  AV_PIX_FMT_YUV420P,
  AV_SAMPLE_FMT_FLTP,
  AVERROR_EAGAIN,
  AVERROR_EOF,
  Codec,
  CodecContext,
  FFmpegError,
  type FFAudioEncoder,
  type FFVideoEncoder,
  Frame,
  Log,
  AV_LOG_ERROR,
  Packet,
  Rational as AvRational,
} from 'node-av';
import { avcConfigurationFromAnnexB } from '../src/containers/h264/decoder-configuration.ts';
import { annexBToLengthPrefixed, dropSei, isIdr } from '../src/containers/h264/nal-units.ts';
import { writeInitSegment } from '../src/containers/isobmff/write-init-segment.ts';
import { type SegmentSample, writeMediaSegment } from '../src/containers/isobmff/write-media-segment.ts';
import { codecStringFromAudioSpecificConfig, codecStringFromAvcC } from '../src/media/codecs.ts';
import type { AudioTrack, Segment, VideoTrack } from '../src/media/presentation.ts';
import type { Rational } from '../src/media/time.ts';

export type EncodedTrack<T> = {
  readonly track: T;
  readonly init: Uint8Array;
  /** By segment index. */
  readonly segments: readonly Uint8Array[];
};

export type VideoChoice = {
  readonly id: string;
  readonly width: number;
  readonly height: number;
  readonly frameRate: Rational;
  readonly frames: number;
  readonly framesPerSegment: number;
  readonly bFrames: number;
  /** B-frames that others refer to: the reorder delay is 2 frames instead of 1. */
  readonly bPyramid: boolean;
};

const AAC_FRAME = 1024;
const SAMPLE_RATE = 48_000;

/** Track id 1 in the files; the timescale is the frame rate's numerator, so a frame is `den` ticks. */
export function encodeVideoTrack(choice: VideoChoice): EncodedTrack<VideoTrack> {
  const { frameRate, frames, framesPerSegment } = choice;
  Log.setLevel(AV_LOG_ERROR);
  const grid = gridOf(frames, framesPerSegment, frameRate.den);
  const runs = grid.map((_, index) => {
    const first = index * framesPerSegment;
    return encodeVideo(choice, first, Math.min(framesPerSegment, frames - first));
  });
  const avcC = avcConfigurationFromAnnexB(runs[0]?.extradata ?? new Uint8Array());
  const firstPacket = runs[0]?.packets[0];
  const delayFrames = firstPacket === undefined ? 0 : firstPacket.pts - firstPacket.dts;
  const track: VideoTrack = {
    kind: 'video',
    id: choice.id,
    label: `${choice.height}p`,
    codecs: codecStringFromAvcC(avcC),
    timescale: frameRate.num,
    bitrate: { peakBitsPerSecond: 400_000, averageBitsPerSecond: 200_000 },
    segments: grid,
    width: choice.width,
    height: choice.height,
    frameRate,
  };
  return {
    track,
    init: writeInitSegment({
      kind: 'video',
      trackId: 1,
      timescale: track.timescale,
      width: choice.width,
      height: choice.height,
      avcC,
      color: { primaries: 1, transfer: 1, matrix: 1, isFullRange: false },
      presentationOffsetTicks: delayFrames * frameRate.den,
    }),
    segments: grid.map(({ index, startTicks }) =>
      writeMediaSegment({
        trackId: 1,
        sequenceNumber: index + 1,
        baseMediaDecodeTime: startTicks,
        samples: (runs[index]?.packets ?? []).map((packet, position) =>
          videoSample(packet, frameRate.den, index * framesPerSegment + position - delayFrames),
        ),
      }),
    ),
  };
}

/** Stereo at 48 kHz: a quiet tone. Track id 2 in the files. */
export function encodeAudioTrack(
  id: string,
  options: { readonly frames: number; readonly framesPerSegment: number; readonly language?: string },
): EncodedTrack<AudioTrack> {
  const grid = gridOf(options.frames, options.framesPerSegment, AAC_FRAME);
  // The encoder's first packet is priming, before time 0.
  const { packets, extradata } = encodeAudio(options.frames);
  const kept = packets.filter((packet) => packet.pts >= 0).slice(0, options.frames);
  const track: AudioTrack = {
    kind: 'audio',
    id,
    label: 'Stereo',
    codecs: codecStringFromAudioSpecificConfig(extradata),
    timescale: SAMPLE_RATE,
    bitrate: { peakBitsPerSecond: 160_000, averageBitsPerSecond: 128_000 },
    segments: grid,
    channels: 2,
    sampleRate: SAMPLE_RATE,
    ...(options.language === undefined ? {} : { language: options.language }),
    isDefault: true,
  };
  return {
    track,
    init: writeInitSegment({
      kind: 'audio',
      trackId: 2,
      timescale: SAMPLE_RATE,
      channels: 2,
      sampleRate: SAMPLE_RATE,
      audioSpecificConfig: extradata,
      presentationOffsetTicks: 0,
    }),
    segments: grid.map(({ index, startTicks }) =>
      writeMediaSegment({
        trackId: 2,
        sequenceNumber: index + 1,
        baseMediaDecodeTime: startTicks,
        samples: kept
          .slice(index * options.framesPerSegment, (index + 1) * options.framesPerSegment)
          .map(({ data }) => ({ durationTicks: AAC_FRAME, compositionOffsetTicks: 0, isSync: true, data })),
      }),
    ),
  };
}

type EncodedPacket = { readonly pts: number; readonly dts: number; readonly data: Uint8Array };
type Encoded = { readonly packets: readonly EncodedPacket[]; readonly extradata: Uint8Array };

function gridOf(frames: number, framesPerSegment: number, ticksPerFrame: number): readonly Segment[] {
  return Array.from({ length: Math.ceil(frames / framesPerSegment) }, (_, index) => ({
    index,
    startTicks: index * framesPerSegment * ticksPerFrame,
    durationTicks: Math.min(framesPerSegment, frames - index * framesPerSegment) * ticksPerFrame,
  }));
}

/**
 * `decodeFrame` is the frame number at which it is decoded. Not the packet's own: in a run that is shorter
 * than its reorder delay, x264 cannot know that delay.
 */
function videoSample(packet: EncodedPacket, ticksPerFrame: number, decodeFrame: number): SegmentSample {
  const data = dropSei(annexBToLengthPrefixed(packet.data));
  return {
    durationTicks: ticksPerFrame,
    compositionOffsetTicks: (packet.pts - decodeFrame) * ticksPerFrame,
    isSync: isIdr(data),
    data,
  };
}

function encodeVideo(choice: VideoChoice, firstFrame: number, count: number): Encoded {
  const codec = Codec.findEncoderByName('libx264' as FFVideoEncoder);
  const context = new CodecContext();
  context.allocContext3(codec);
  context.width = choice.width;
  context.height = choice.height;
  context.pixelFormat = AV_PIX_FMT_YUV420P;
  context.timeBase = new AvRational(choice.frameRate.den, choice.frameRate.num);
  context.framerate = new AvRational(choice.frameRate.num, choice.frameRate.den);
  context.gopSize = choice.framesPerSegment;
  context.maxBFrames = choice.bFrames;
  context.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
  context.setOption('preset', 'veryfast');
  const bPyramid = choice.bPyramid ? 'normal' : 'none';
  context.setOption('x264-params', `scenecut=0:threads=1:b-pyramid=${bPyramid}`);
  check(context.open2Sync(codec, null), 'open the encoder');
  const extradata = Uint8Array.from(context.extraData ?? []);
  return { packets: encode(context, pictures(choice, firstFrame, count)), extradata };
}

/** A pattern that moves, so that there is something for B-frames to predict. */
function* pictures(choice: VideoChoice, firstFrame: number, count: number): Generator<Frame> {
  for (let index = firstFrame; index < firstFrame + count; index++) {
    const frame = new Frame();
    frame.alloc();
    frame.format = AV_PIX_FMT_YUV420P;
    frame.width = choice.width;
    frame.height = choice.height;
    check(frame.allocBuffer(), 'make a frame');
    frame.data?.forEach((plane, number) => {
      const stride = frame.linesize[number] ?? 1;
      for (let i = 0; i < plane.length; i++) {
        const x = i % stride;
        const y = Math.floor(i / stride);
        plane[i] = number === 0 ? (x + ((y * y) >> 4) + index * 3) & 255 : 128;
      }
    });
    frame.pts = BigInt(index);
    yield frame;
  }
}

function encodeAudio(frames: number): Encoded {
  const context = new CodecContext();
  const codec = Codec.findEncoderByName('aac' as FFAudioEncoder);
  context.allocContext3(codec);
  context.sampleRate = SAMPLE_RATE;
  context.sampleFormat = AV_SAMPLE_FMT_FLTP;
  context.channelLayout = { nbChannels: 2, order: AV_CHANNEL_ORDER_NATIVE, mask: AV_CH_LAYOUT_STEREO };
  context.timeBase = new AvRational(1, SAMPLE_RATE);
  context.bitRate = 128_000n;
  context.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
  check(context.open2Sync(codec, null), 'open the encoder');
  const extradata = Uint8Array.from(context.extraData ?? []);
  return { packets: encode(context, tone(frames)), extradata };
}

function* tone(frames: number): Generator<Frame> {
  for (let index = 0; index < frames; index++) {
    const frame = new Frame();
    frame.alloc();
    frame.format = AV_SAMPLE_FMT_FLTP;
    frame.nbSamples = AAC_FRAME;
    frame.sampleRate = SAMPLE_RATE;
    frame.channelLayout = { nbChannels: 2, order: AV_CHANNEL_ORDER_NATIVE, mask: AV_CH_LAYOUT_STEREO };
    check(frame.allocBuffer(), 'make a frame of sound');
    for (const plane of frame.extendedData ?? []) {
      const view = new DataView(plane.buffer, plane.byteOffset, plane.byteLength);
      for (let i = 0; i < AAC_FRAME; i++) {
        const seconds = (index * AAC_FRAME + i) / SAMPLE_RATE;
        view.setFloat32(i * 4, 0.2 * Math.sin(2 * Math.PI * 440 * seconds), true);
      }
    }
    frame.pts = BigInt(index * AAC_FRAME);
    yield frame;
  }
}

function encode(context: CodecContext, frames: Iterable<Frame>): readonly EncodedPacket[] {
  const packets: EncodedPacket[] = [];
  for (const frame of frames) {
    check(context.sendFrameSync(frame), 'encode');
    frame.free();
    drain(context, packets);
  }
  check(context.sendFrameSync(null), 'finish encoding');
  drain(context, packets);
  context.freeContext();
  return packets;
}

function drain(context: CodecContext, packets: EncodedPacket[]): void {
  const packet = new Packet();
  packet.alloc();
  for (;;) {
    const result = context.receivePacketSync(packet);
    if (result === AVERROR_EAGAIN || result === AVERROR_EOF) break;
    check(result, 'take a packet');
    packets.push({
      pts: Number(packet.pts),
      dts: Number(packet.dts),
      data: Uint8Array.from(packet.data ?? []),
    });
    packet.unref();
  }
  packet.free();
}

function check(result: number, what: string): void {
  if (result < 0) FFmpegError.throwIfError(result, what);
}
