import type { FastifyInstance } from 'fastify';

/** Lets routes of `app` take `application/merge-patch+json` (RFC 7396) besides plain JSON, and nothing else. */
export function acceptMergePatch(app: FastifyInstance): void {
  app.removeContentTypeParser('text/plain');
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/merge-patch+json', { parseAs: 'string' }, parse);
}
