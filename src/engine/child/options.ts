import type { CodecContext } from 'node-av/lib';
import { AppError } from '../../errors.ts';

/**
 * Sets FFmpeg options one by one, before a codec is opened. Not as a Dictionary passed to `open2Sync`: node-av
 * then frees memory that FFmpeg has freed already, and the process crashes at the next collection (docs/decisions/020).
 */
export function setOptions(context: CodecContext, options: Readonly<Record<string, string | number>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (context.setOption(name, String(value)) < 0) {
      throw new AppError('encode_failed', `the encoder does not know ${name}=${value}`);
    }
  }
}
