/** Files on other people's servers, to be fetched. Which way they are reached is chosen in app.ts. */

export type RemoteFiles = {
  /**
   * Asks for the bytes of `url` from `offset` on, and resolves once the answer has begun. With an offset above 0,
   * `validator` (from the answer before) makes sure that they are still those of the same file; where they are
   * not, or where the server cannot continue, the answer starts at 0 again.
   *
   * Throws `invalid_request` (no http or https address), `url_forbidden` (an address inside a private network,
   * also after a redirect), `url_unreachable` (whatever else goes wrong; {@link isLasting} says whether it will
   * go wrong again), `aborted`. The body fails with the same codes: `url_unreachable` when it breaks off or stalls.
   */
  open(url: string, options: OpenOptions): Promise<RemoteFile>;
};

/** From where on, and of which version. */
export type OpenOptions = {
  readonly offset: number;
  readonly validator?: string;
  readonly signal: AbortSignal;
};

export type RemoteFile = {
  /** Of the first byte of `body`: what was asked for, or 0. */
  readonly offset: number;
  /** Of the whole file; absent where the server does not say. */
  readonly totalBytes?: number;
  /** Names these very bytes; absent where the server gives no such name, and then there is no going on later. */
  readonly validator?: string;
  /** From the server's answer or from the address. */
  readonly filename: string;
  readonly body: ReadableStream<Uint8Array>;
};

/** The cause of an `url_unreachable` that another attempt would not mend. */
export class LastingFailure extends Error {}

/** Whether `error` would come again. */
export function isLasting(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof LastingFailure;
}
