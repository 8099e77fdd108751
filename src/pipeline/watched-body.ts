/** Looking at bytes as they pass by. */

export type BodyWatcher = {
  /** Before anyone else gets to see `bytes`. What it throws, the body fails with. */
  onBytes(bytes: Uint8Array): void | Promise<void>;
  /** After the last byte of a body that did not fail. What it throws, the body fails with. */
  onEnd?(): void | Promise<void>;
};

/** `body`, watched. Reads nothing ahead. */
export function watchedBody(
  body: ReadableStream<Uint8Array>,
  watcher: BodyWatcher,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) {
            await watcher.onBytes(value);
            return controller.enqueue(value);
          }
          await watcher.onEnd?.();
          controller.close();
        } catch (error) {
          void reader.cancel(error).catch(() => {});
          throw error;
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
