/** Reading JPEGs back, as a browser would show them. */
import assert from 'node:assert/strict';
import { Codec, CodecContext, FF_DECODER_MJPEG, Frame, Packet } from 'node-av';

export type DecodedJpeg = {
  readonly width: number;
  readonly height: number;
  /** Full range, `width` bytes a row. */
  readonly luma: Uint8Array;
};

/** Fails for what is no JPEG. */
export function decodeJpeg(jpeg: Uint8Array): DecodedJpeg {
  const codec = Codec.findDecoderByName(FF_DECODER_MJPEG);
  assert.ok(codec);
  using decoder = new CodecContext();
  decoder.allocContext3(codec);
  using packet = new Packet();
  packet.alloc();
  packet.data = Buffer.from(jpeg);
  using frame = new Frame();
  frame.alloc();
  assert.ok(decoder.open2Sync(codec, null) >= 0);
  assert.ok(decoder.sendPacketSync(packet) >= 0, 'not a JPEG');
  assert.ok(decoder.receiveFrameSync(frame) >= 0, 'not a JPEG');
  const { width, height } = frame;
  return crop(
    { width: frame.linesize[0] ?? 0, height, luma: frame.data?.[0] ?? new Uint8Array() },
    0,
    0,
    width,
    height,
  );
}

/** A part of it. */
export function crop(picture: DecodedJpeg, x: number, y: number, width: number, height: number): DecodedJpeg {
  const luma = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const start = (y + row) * picture.width + x;
    luma.set(picture.luma.subarray(start, start + width), row * width);
  }
  return { width, height, luma };
}

/** Mean and standard deviation of the brightness, 0 to 255. */
export function brightness({ luma }: DecodedJpeg): { readonly mean: number; readonly deviation: number } {
  const mean = luma.reduce((sum, value) => sum + value, 0) / luma.length;
  const variance = luma.reduce((sum, value) => sum + (value - mean) ** 2, 0) / luma.length;
  return { mean, deviation: Math.sqrt(variance) };
}
