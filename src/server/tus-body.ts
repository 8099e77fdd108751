import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import { brokenOff, webBody } from './web-body.ts';

type Handled = { readonly raw: IncomingMessage; readonly endStandIn: () => void };

/** The body of a request, and what is left to do about its stand-in. */
export type TusBody = {
  readonly bytes: ReadableStream<Uint8Array>;
  /** Nothing more of `bytes` is wanted: it ends as if this were all. */
  readonly cutOff: () => void;
  /** All of `bytes` has been dealt with. */
  readonly endStandIn: () => void;
};

/**
 * Leads bodies around `@tus/server`, which hands each byte through five streams. It handles a stand-in that brings
 * nothing, and ends when the body has been dealt with (docs/decisions/110).
 */
export class TusBodies {
  readonly #handled = new AsyncLocalStorage<Handled>();

  /** Calls `handle` with the stand-in for the body of `raw`. Whatever that calls may take the body itself, once. */
  async handle<T>(raw: IncomingMessage, handle: (standIn: ReadableStream) => Promise<T>): Promise<T> {
    const { promise: ended, resolve: endStandIn } = Promise.withResolvers<void>();
    const standIn = new ReadableStream({ pull: (controller) => ended.then(() => controller.close()) });
    try {
      return await this.#handled.run({ raw, endStandIn }, () => handle(standIn));
    } finally {
      endStandIn();
    }
  }

  /** The body of the request that is being handled. */
  take(): TusBody {
    const handled = this.#handled.getStore();
    if (handled === undefined) throw new TypeError('no request is being handled');
    const cut = new AbortController();
    return {
      bytes: webBody(handled.raw, brokenOff, cut.signal),
      cutOff: () => cut.abort(),
      endStandIn: handled.endStandIn,
    };
  }
}
