import { AV_PIX_FMT_YUV420P, AVCOL_RANGE_JPEG, FF_ENCODER_MJPEG } from 'node-av/constants';
import { Codec, CodecContext, type Frame, Packet, Rational } from 'node-av/lib';
import { AppError } from '../../errors.ts';
import { setOptions } from './options.ts';

/** In FFmpeg's scale: 2 is best, 31 worst. */
const QUALITY = 4;
/** FFmpeg's unit of quality (FF_QP2LAMBDA). */
const LAMBDA = 118;

/** A JPEG of a picture in 4:2:0, full range and the colours of JFIF, without any metadata. Throws `encode_failed`. */
export function encodeJpeg(frame: Frame): Uint8Array {
  const codec = Codec.findEncoderByName(FF_ENCODER_MJPEG);
  if (codec === null) throw new AppError('encode_failed', 'the JPEG encoder is missing');
  using encoder = new CodecContext();
  encoder.allocContext3(codec);
  encoder.width = frame.width;
  encoder.height = frame.height;
  encoder.pixelFormat = AV_PIX_FMT_YUV420P;
  encoder.colorRange = AVCOL_RANGE_JPEG;
  encoder.timeBase = new Rational(1, 25);
  setOptions(encoder, { flags: '+qscale', global_quality: QUALITY * LAMBDA, strict: 'unofficial' });
  using packet = new Packet();
  packet.alloc();
  frame.pts = 0n;
  frame.quality = QUALITY * LAMBDA;
  const isDone =
    encoder.open2Sync(codec, null) >= 0 &&
    encoder.sendFrameSync(frame) >= 0 &&
    encoder.sendFrameSync(null) >= 0 &&
    encoder.receivePacketSync(packet) >= 0;
  if (!isDone || packet.data === null) throw new AppError('encode_failed', 'the picture cannot be encoded');
  return new Uint8Array(packet.data);
}
