/** A picture of a video: a good frame, as JPEG. */
import { AV_PIX_FMT_YUV420P, FF_ENCODER_MJPEG, AVCOL_RANGE_JPEG } from 'node-av/constants';
import { Codec, CodecContext, Frame, Packet, Rational } from 'node-av/lib';
import { AppError } from '../../errors.ts';
import type { SourceVideo } from '../../media/source.ts';
import { decodeFrom } from './decode.ts';
import { setOptions } from './options.ts';
import type { OpenSource } from './source.ts';
import { VideoFilter } from './video-filter.ts';

/** Parts of the duration that are tried in turn: not the very start, which is often black. */
const TRIED_PARTS = [0.1, 0.25, 0.4, 0.6, 0.02];
/** Standard deviation of the luma below which a frame shows next to nothing. */
const ENOUGH_CONTRAST = 24;
/** JPEG quality in FFmpeg's scale (2 best, 31 worst). */
const QUALITY = 4;

/** A JPEG at most `maxSide` pixels on its longer side, never enlarged. Throws `source_damaged` if no frame decodes. */
export async function takePicture(
  source: OpenSource,
  video: SourceVideo,
  maxSide: number,
): Promise<Uint8Array> {
  const scale = Math.min(1, maxSide / Math.max(video.displayWidth, video.displayHeight));
  const size = { width: evenSide(video.displayWidth * scale), height: evenSide(video.displayHeight * scale) };
  using filter = new VideoFilter(video, [size]);
  using best = new Frame();
  best.alloc();
  let bestContrast = -1;
  for (const part of TRIED_PARTS) {
    const ticks = video.startTicks + Math.floor((video.endTicks - video.startTicks) * part);
    const frame = await firstKeyframe(source, video, ticks);
    if (frame === undefined) continue;
    const [picture] = filter.apply(frame);
    const contrast = contrastOf(picture!);
    if (contrast > bestContrast) {
      bestContrast = contrast;
      best.unref();
      best.ref(picture!);
    }
    frame.free();
    if (contrast >= ENOUGH_CONTRAST) break;
  }
  if (bestContrast < 0) throw new AppError('source_damaged', 'no picture of the video can be decoded');
  return encodeJpeg(best, size);
}

/** The keyframe at or before `ticks`: the cheapest frame that can be had. */
async function firstKeyframe(
  source: OpenSource,
  video: SourceVideo,
  ticks: number,
): Promise<Frame | undefined> {
  for await (const frame of decodeFrom(source, { span: video, fromTicks: ticks }))
    return frame.clone() ?? undefined;
  return undefined;
}

function contrastOf(frame: Frame): number {
  const [luma] = frame.data ?? [];
  const [stride = 0] = frame.linesize;
  if (luma === undefined) return 0;
  let [count, sum, squares] = [0, 0, 0];
  for (let y = 0; y < frame.height; y += 4) {
    for (let x = 0; x < frame.width; x += 4) {
      const value = luma[y * stride + x] ?? 0;
      count++;
      sum += value;
      squares += value * value;
    }
  }
  return Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2));
}

function encodeJpeg(frame: Frame, size: { width: number; height: number }): Uint8Array {
  const codec = Codec.findEncoderByName(FF_ENCODER_MJPEG);
  if (codec === null) throw new AppError('encode_failed', 'the JPEG encoder is missing');
  using encoder = new CodecContext();
  encoder.allocContext3(codec);
  encoder.width = size.width;
  encoder.height = size.height;
  encoder.pixelFormat = AV_PIX_FMT_YUV420P;
  encoder.colorRange = AVCOL_RANGE_JPEG;
  encoder.timeBase = new Rational(1, 25);
  setOptions(encoder, { flags: '+qscale', global_quality: QUALITY * 118, strict: 'unofficial' });
  using packet = new Packet();
  packet.alloc();
  frame.pts = 0n;
  const isDone =
    encoder.open2Sync(codec, null) >= 0 &&
    encoder.sendFrameSync(frame) >= 0 &&
    encoder.sendFrameSync(null) >= 0 &&
    encoder.receivePacketSync(packet) >= 0;
  if (!isDone || packet.data === null) throw new AppError('encode_failed', 'the picture cannot be encoded');
  return new Uint8Array(packet.data);
}

function evenSide(side: number): number {
  return Math.max(2, 2 * Math.round(side / 2));
}
