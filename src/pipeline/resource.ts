/** What the origin can hand to a viewer, whatever it is made from. `server/` turns it into HTTP, ranges included. */
export type Resource = {
  /** A media type, with parameters where it has some. */
  readonly mediaType: string;
  readonly bytes: number;
  /** A strong validator without quotes (RFC 9110 8.8.3): the same etag means the same bytes. */
  readonly etag: string;
  /** `true`: this address holds these bytes for ever. `false`: revalidate. */
  readonly isImmutable: boolean;
  /** Where viewers are better sent for it; absent: they get it here. */
  readonly elsewhere?: () => Promise<Redirect>;
  /** What a person who saves it would call it. */
  readonly fileName?: string;
  /** Offsets inclusive; without a range, all bytes. Each call opens anew. */
  open(
    range?: { readonly start: number; readonly end: number },
    signal?: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>>;
};

/** The resource lives at another address. */
export type Redirect = {
  /** A URL reference (percent-encoded), relative to the one asked for. */
  readonly redirectTo: string;
  /** It may be remembered for so long; absent: it is to be asked for each time. */
  readonly validForSeconds?: number;
};

/** Whether the answer lies elsewhere. */
export function isRedirect(answer: Resource | Redirect): answer is Redirect {
  return 'redirectTo' in answer;
}
