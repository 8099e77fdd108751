/** Where this server is, seen from outside. */
import type { FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';

/**
 * What absolute addresses in an answer start with, without a slash at the end: the configured URL, else what the
 * request was addressed to. Proxies' `X-Forwarded-*` count only where the server was told to trust them.
 * Throws `invalid_request` for a Host that no URL can have.
 */
export function baseUrlOf(request: FastifyRequest, publicUrl: string | undefined): string {
  if (publicUrl !== undefined) return publicUrl.replace(/\/+$/, '');
  const url = URL.parse(`${request.protocol}://${request.host}`);
  if (url === null || url.pathname !== '/' || url.username !== '') {
    throw new AppError('invalid_request', 'the Host header field is not a host');
  }
  return url.origin;
}
