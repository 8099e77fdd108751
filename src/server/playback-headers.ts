/** What every answer below `/v/` carries, errors included: a player on any other site may read it. */
export const PLAYBACK_HEADERS: Readonly<Record<string, string>> = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'Content-Length, Content-Range, ETag, Date, Retry-After, Server-Timing',
  // A file of someone's package, opened as a page, must not act as a page of this server.
  'Content-Security-Policy':
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox",
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'Timing-Allow-Origin': '*',
  'X-Content-Type-Options': 'nosniff',
};

/** What a preflight is told on top of {@link PLAYBACK_HEADERS}. */
export const PREFLIGHT_HEADERS: Readonly<Record<string, string>> = {
  Allow: 'GET, HEAD, OPTIONS',
  'Access-Control-Allow-Methods': 'GET, HEAD, OPTIONS',
  // The CMCD fields are what players report of themselves (CTA-5004).
  'Access-Control-Allow-Headers':
    'Range, If-Range, If-Match, If-None-Match, CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status',
  'Access-Control-Max-Age': '86400',
};

/** Whether a request target lies below `/v/`, routed or not. */
export function isPlaybackUrl(url: string | undefined): boolean {
  return url?.startsWith('/v/') ?? false;
}
