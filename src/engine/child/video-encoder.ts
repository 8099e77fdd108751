/** One H.264 encoder for one segment of one rung. */
import {
  AV_CODEC_FLAG_GLOBAL_HEADER,
  AV_PICTURE_TYPE_NONE,
  AV_PIX_FMT_YUV420P,
  AV_PROFILE_H264_HIGH,
  AVCOL_RANGE_MPEG,
  FF_ENCODER_LIBX264,
} from 'node-av/constants';
import { Codec, CodecContext, type Frame, Packet, Rational } from 'node-av/lib';
import { avcConfigurationFromAnnexB } from '../../containers/h264/decoder-configuration.ts';
import { annexBToLengthPrefixed, NAL_TYPE } from '../../containers/h264/nal-units.ts';
import { writeInitSegment } from '../../containers/isobmff/write-init-segment.ts';
import { type SegmentSample, writeMediaSegment } from '../../containers/isobmff/write-media-segment.ts';
import { AppError } from '../../errors.ts';
import type { VideoEncoding } from '../../media/plan.ts';
import type { ColorCodes } from './color.ts';
import { setOptions } from './options.ts';

/** In a row at most. None of them is a reference, so decoding runs one frame ahead of presentation. */
const B_FRAMES = 3;

const X264_OPTIONS = {
  preset: 'veryfast',
  b_strategy: 1,
  refs: 1,
  // Same parameter sets in every segment, and the same bytes whatever the machine: nothing is left to what x264
  // derives. Without cpu-independent, even two runs on one machine differ (docs/decisions/055).
  'x264-params': 'b-pyramid=none:open-gop=0:nal-hrd=none:force-cfr=1:stitchable=1:cpu-independent=1',
};

/**
 * Takes the frames of one segment and gives its bytes. Each segment has an encoder of its own: it then depends
 * on nothing but its frames, may be made in any order, and comes out the same in every run (docs/decisions/050).
 */
export class SegmentEncoder implements Disposable {
  readonly #encoding: VideoEncoding;
  readonly #encoder: CodecContext;
  readonly #packet = new Packet();
  readonly #samples: SegmentSample[] = [];
  readonly #index: number;
  #nextFrame: number;

  /** `index` is the segment's. Throws `encode_failed` if the encoder refuses its settings. */
  constructor(encoding: VideoEncoding, colors: ColorCodes, index: number) {
    this.#encoding = encoding;
    this.#index = index;
    this.#nextFrame = encoding.grid.boundaries[index] ?? 0;
    this.#encoder = openEncoder(encoding, colors);
    this.#packet.alloc();
  }

  /** The next frame of the segment. */
  send(frame: Frame): void {
    frame.pts = BigInt(this.#nextFrame++);
    frame.pictType = AV_PICTURE_TYPE_NONE;
    if (this.#encoder.sendFrameSync(frame) < 0)
      throw new AppError('encode_failed', 'the encoder refused a frame');
    this.#receive();
  }

  /** The finished segment. Nothing can be sent after it. */
  finish(): Uint8Array {
    this.#encoder.sendFrameSync(null);
    this.#receive();
    const { grid, trackNumber } = this.#encoding;
    const first = grid.boundaries[this.#index]!;
    const expected = grid.boundaries[this.#index + 1]! - first;
    if (this.#samples.length !== expected || !this.#samples[0]!.isSync) {
      throw new AppError(
        'encode_failed',
        `${this.#samples.length} frames were encoded where ${expected} were planned`,
      );
    }
    return writeMediaSegment({
      trackId: trackNumber,
      sequenceNumber: this.#index + 1,
      baseMediaDecodeTime: first * grid.frameTicks,
      samples: this.#samples,
    });
  }

  [Symbol.dispose](): void {
    this.#packet.free();
    this.#encoder.freeContext();
  }

  #receive(): void {
    const { grid, reorderFrames } = this.#encoding;
    const first = grid.boundaries[this.#index]!;
    while (this.#encoder.receivePacketSync(this.#packet) >= 0) {
      const decodeFrame = first + this.#samples.length;
      // The reorder delay is added to every time, and the edit list of the init segment takes it off.
      const offsetFrames = Number(this.#packet.pts) + reorderFrames - decodeFrame;
      this.#samples.push({
        durationTicks: grid.frameTicks,
        compositionOffsetTicks: offsetFrames * grid.frameTicks,
        isSync: this.#packet.isKeyframe,
        // x264 writes its settings into a SEI of every first frame: of no use to players.
        data: annexBToLengthPrefixed(this.#packet.data!, (type) => type !== NAL_TYPE.sei),
      });
      this.#packet.unref();
    }
  }
}

/** The init segment that all segments of the track share. */
export function videoInitSegment(encoding: VideoEncoding, colors: ColorCodes): Uint8Array {
  using encoder = openEncoder(encoding, colors);
  const { extraData } = encoder;
  if (extraData === null) throw new AppError('encode_failed', 'the encoder gave no parameter sets');
  const { grid, rung, trackNumber, reorderFrames } = encoding;
  return writeInitSegment({
    kind: 'video',
    trackId: trackNumber,
    timescale: grid.timescale,
    width: rung.width,
    height: rung.height,
    avcC: avcConfigurationFromAnnexB(extraData),
    color: { ...colors, isFullRange: false },
    presentationOffsetTicks: reorderFrames * grid.frameTicks,
  });
}

function openEncoder(
  { rung, frameRate, grid, reorderFrames }: VideoEncoding,
  colors: ColorCodes,
): CodecContext {
  const codec = Codec.findEncoderByName(FF_ENCODER_LIBX264);
  if (codec === null) throw new AppError('encode_failed', 'the H.264 encoder is missing');
  const encoder = new CodecContext();
  encoder.allocContext3(codec);
  encoder.width = rung.width;
  encoder.height = rung.height;
  encoder.pixelFormat = AV_PIX_FMT_YUV420P;
  encoder.sampleAspectRatio = new Rational(1, 1);
  encoder.timeBase = new Rational(frameRate.den, frameRate.num);
  encoder.framerate = new Rational(frameRate.num, frameRate.den);
  encoder.profile = AV_PROFILE_H264_HIGH;
  encoder.level = rung.level;
  encoder.threadCount = rung.threads;
  encoder.rcMaxRate = BigInt(rung.maxBitsPerSecond);
  encoder.rcBufferSize = rung.bufferBits;
  encoder.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
  encoder.colorRange = AVCOL_RANGE_MPEG;
  encoder.colorPrimaries = colors.primaries as typeof encoder.colorPrimaries;
  encoder.colorTrc = colors.transfer as typeof encoder.colorTrc;
  encoder.colorSpace = colors.matrix as typeof encoder.colorSpace;
  // The first frame of a segment is its only IDR frame; a scene cut gives an I frame. The last segment may be
  // longer than the others, but not twice as long, and x264 bears no shortest GOP above half of the longest.
  const longest = 2 * ((grid.boundaries[1] ?? 1) - grid.boundaries[0]!);
  encoder.gopSize = 2 * longest;
  setOptions(encoder, {
    ...X264_OPTIONS,
    crf: rung.crf,
    keyint_min: longest,
    bf: reorderFrames === 0 ? 0 : B_FRAMES,
  });
  if (encoder.open2Sync(codec, null) < 0) {
    throw new AppError('encode_failed', `the H.264 encoder refuses ${rung.width}x${rung.height}`);
  }
  return encoder;
}
