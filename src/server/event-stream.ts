/** Server-sent events (WHATWG HTML 9.2) on one connection. */
import type { ServerResponse } from 'node:http';
import { drained } from './drained.ts';

/** Proxies and routers forget connections on which nothing moves for a minute or so. */
export const KEEP_ALIVE_MILLISECONDS = 15_000;

/** How long a browser waits before it connects again. */
const RETRY_MILLISECONDS = 2000;

/** Header fields of an answer that goes on until someone ends it. */
export const EVENT_STREAM_HEADERS: Readonly<Record<string, string>> = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  // nginx would collect events until they fill a buffer.
  'X-Accel-Buffering': 'no',
};

/** Writes events as fast as the client takes them: at most one waits in memory. */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #keepAlive: NodeJS.Timeout;
  #lastId = 0;

  /** Sends the header fields. Throws for a response that has begun. */
  constructor(response: ServerResponse, keepAliveMilliseconds: number) {
    this.#response = response;
    response.writeHead(200, { ...EVENT_STREAM_HEADERS });
    response.write(`retry: ${RETRY_MILLISECONDS}\n\n`);
    this.#keepAlive = setInterval(() => {
      if (!response.writableNeedDrain) response.write(': still here\n\n');
    }, keepAliveMilliseconds);
  }

  /** Resolves when the next event may be sent, or when the client is gone. */
  async send(event: string, data: unknown): Promise<void> {
    if (this.#response.destroyed) return;
    // JSON has no line breaks of its own, so that one `data` line holds it.
    const message = `event: ${event}\nid: ${++this.#lastId}\ndata: ${JSON.stringify(data)}\n\n`;
    if (!this.#response.write(message)) await drained(this.#response);
  }

  end(): void {
    clearInterval(this.#keepAlive);
    this.#response.end();
  }
}
