/** A still picture that somebody sent: decoded and encoded anew, so that nothing of what came is handed on. */
import { AV_FRAME_DATA_DISPLAYMATRIX, AV_PKT_FLAG_KEY } from 'node-av/constants';
import { avGetPixFmtName, Codec, CodecContext, Frame, Packet } from 'node-av/lib';
import { AppError } from '../../errors.ts';
import type { SourceVideo } from '../../media/source.ts';
import type { ImageKind } from '../../containers/sniff-image.ts';
import { displayOf } from './display.ts';
import { MAX_SIDE } from './limits.ts';
import { jpegOf } from './picture.ts';

/** Larger than what any camera makes: 200 MB once it is decoded. */
const MAX_STILL_PIXELS = 50_000_000;

/**
 * A JPEG at most `maxSide` pixels on its longer side, upright, without metadata. Throws `source_damaged` for what
 * cannot be decoded or is too large.
 */
export function reencodeStill(bytes: Uint8Array, kind: ImageKind, maxSide: number): Uint8Array {
  using frame = decodeStill(bytes, kind);
  return jpegOf(frame, describe(frame, kind), maxSide);
}

function decodeStill(bytes: Uint8Array, kind: ImageKind): Frame {
  const codec = Codec.findDecoderByName(kind as Parameters<typeof Codec.findDecoderByName>[0]);
  if (codec === null) throw new AppError('encode_failed', `there is no decoder for ${kind}`);
  using decoder = new CodecContext();
  decoder.allocContext3(codec);
  decoder.threadCount = 1;
  decoder.setOption('max_pixels', String(MAX_STILL_PIXELS));
  using packet = new Packet();
  packet.alloc();
  packet.data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  packet.flags = AV_PKT_FLAG_KEY;
  const frame = new Frame();
  frame.alloc();
  const isDecoded =
    decoder.open2Sync(codec, null) >= 0 &&
    decoder.sendPacketSync(packet) >= 0 &&
    decoder.sendPacketSync(null) >= 0 &&
    decoder.receiveFrameSync(frame) >= 0;
  if (isDecoded && frame.width <= MAX_SIDE && frame.height <= MAX_SIDE) return frame;
  frame.free();
  throw new AppError(
    'source_damaged',
    'the picture cannot be decoded: it is damaged, or larger than 50 million pixels',
  );
}

/** As if it were a video of one frame. */
function describe(frame: Frame, codec: string): SourceVideo {
  const { width, height } = frame;
  const once = { num: 1, den: 1 };
  return {
    timeBase: once,
    startTicks: 0,
    endTicks: 1,
    streamIndex: 0,
    codec,
    pixelFormat: avGetPixFmtName(frame.format as Parameters<typeof avGetPixFmtName>[0]) ?? '',
    codedWidth: width,
    codedHeight: height,
    // Cameras turn pictures by a note in the EXIF, which is not handed on.
    ...displayOf(width, height, once, frame.getSideData(AV_FRAME_DATA_DISPLAYMATRIX)),
    sampleAspectRatio: once,
    frameRate: once,
    isVariableFrameRate: false,
    isInterlaced: false,
    color: { range: 'unknown', primaries: 'unknown', transfer: 'unknown', matrix: 'unknown' },
  };
}
