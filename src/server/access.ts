/**
 * Who may change something. Reading is open to everyone who reaches the server, as playing is: the pages, and the
 * player on other people's sites, read the API in visitors' browsers, where no key can be kept.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';
import { drain } from './early-answer.ts';
import { pathOf, sendProblem } from './problems.ts';

/** What decides over access. */
export type AccessOptions = {
  /** What whoever changes something must show; without one, nobody is asked. */
  readonly apiKey: string | undefined;
  /** What absolute addresses start with, where that is known. */
  readonly publicUrl: string | undefined;
};

/** RFC 9110 9.2.1: these change nothing. */
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses changing calls below `/api/` that may not be made, before their body is read: with an API key set,
 * those that do not carry it (401); without one, those that a page of another site makes in someone's browser
 * (403). Holds for every route of `app`, whoever adds it and when.
 */
export function addAccess(app: FastifyInstance, { apiKey, publicUrl }: AccessOptions): void {
  const expected = apiKey === undefined ? undefined : digest(apiKey);

  app.addHook('onRequest', async (request, reply) => {
    if (SAFE_METHODS.has(request.method) || !pathOf(request.raw.url).startsWith('/api/')) return undefined;
    if (expected === undefined) {
      if (isOfThisSite(request, publicUrl)) return undefined;
      drain(request.raw);
      throw new AppError('forbidden', 'a page of another site may not change anything here');
    }
    const shown = bearerTokenOf(request.headers.authorization);
    if (shown !== undefined && timingSafeEqual(digest(shown), expected)) return undefined;
    drain(request.raw);
    const detail = shown === undefined ? 'this needs the API key' : 'this is not the API key';
    // RFC 6750 3: the kind of error is named only where a token was shown.
    const challenge = `Bearer realm="sluice"${shown === undefined ? '' : ', error="invalid_token"'}`;
    return sendProblem(request, reply, new AppError('unauthorized', detail), {
      'WWW-Authenticate': challenge,
    });
  });
}

/** Of equal length for every text, so that comparing takes the same time for all. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** RFC 6750 2.1; the name of the scheme in any case (RFC 9110 11.1). */
function bearerTokenOf(authorization: string | undefined): string | undefined {
  return /^bearer +([\x21-\x7e]+) *$/i.exec(authorization ?? '')?.[1];
}

/**
 * Whether the request is from a page of ours or from no page at all. Browsers say where a page is from in
 * Sec-Fetch-Site (Fetch Metadata; over https and on localhost only) and in Origin (Fetch 3.1), and no page can
 * change that.
 */
function isOfThisSite(request: FastifyRequest, publicUrl: string | undefined): boolean {
  const site = request.headers['sec-fetch-site'];
  if (site === 'same-origin' || site === 'none') return true;
  const { origin } = request.headers;
  if (origin === undefined) return site === undefined;
  const url = URL.parse(origin);
  // By host alone: behind a proxy that ends TLS, the scheme seen here is another one.
  return url !== null && (url.host === request.host || url.origin === originOf(publicUrl));
}

function originOf(publicUrl: string | undefined): string | undefined {
  return publicUrl === undefined ? undefined : new URL(publicUrl).origin;
}
