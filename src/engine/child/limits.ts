/** What a source may claim before anything of it is decoded. Beyond these it is refused, not attempted. */
import { AppError } from '../../errors.ts';

/** 8192 x 8192: past 8K, and half a gigabyte for a handful of decoded frames. */
export const MAX_PIXELS = 8192 * 8192;
export const MAX_SIDE = 16_384;
/** More sound tracks of a source are left out: each is encoded and stored. Films for many countries have about so many. */
export const MAX_AUDIO_TRACKS = 16;
const MAX_FRAME_RATE = 1000;
const MAX_SECONDS = 48 * 3600;

/** Throws `source_unsupported` for a picture that is too large to decode safely. */
export function checkPictureSize(width: number, height: number): void {
  if (width < 1 || height < 1) throw new AppError('source_damaged', 'the picture has no size');
  if (width > MAX_SIDE || height > MAX_SIDE || width * height > MAX_PIXELS) {
    throw new AppError('source_unsupported', `the picture claims ${width}x${height} pixels: too large`);
  }
}

/** Throws `source_unsupported` for rates and durations that no real video has. */
export function checkExtent(framesPerSecond: number, seconds: number): void {
  if (framesPerSecond > MAX_FRAME_RATE) {
    throw new AppError(
      'source_unsupported',
      `the video claims ${Math.round(framesPerSecond)} frames a second`,
    );
  }
  if (seconds > MAX_SECONDS) {
    throw new AppError('source_unsupported', `the video claims to last ${Math.round(seconds / 3600)} hours`);
  }
}
