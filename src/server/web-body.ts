import type { Readable } from 'node:stream';
import { AppError } from '../errors.ts';

/** For {@link webBody} of what a client sends. */
export function brokenOff(cause: Error | undefined): AppError {
  return new AppError('aborted', 'the client went away before its last byte', { cause });
}

/**
 * The bytes of `source` (a request, a part of one) as a web stream, read only as fast as they are taken. Unlike with
 * `Readable.toWeb`, cancelling leaves `source` alone, so that a request can still be answered. Fails when `source`
 * fails or closes before its end, with what `errorOf` makes of that. When `cut` fires it ends as if that were all.
 */
export function webBody(
  source: Readable,
  errorOf: (error: Error | undefined) => Error,
  cut?: AbortSignal,
): ReadableStream<Uint8Array> {
  let isOver = false;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const fail = (error: Error | undefined): void => {
          if (!isOver) controller.error(errorOf(error));
          isOver = true;
        };
        source.pause();
        source.on('data', (chunk: Uint8Array) => {
          if (isOver) return;
          controller.enqueue(chunk);
          if ((controller.desiredSize ?? 0) <= 0) source.pause();
        });
        const end = (): void => {
          if (!isOver) controller.close();
          isOver = true;
        };
        source.once('end', end);
        cut?.addEventListener('abort', end, { once: true });
        source.once('error', fail);
        source.once('close', () => fail(undefined));
      },
      pull: () => void source.resume(),
      cancel: () => {
        isOver = true;
      },
    },
    { highWaterMark: 1 },
  );
}
