import type { FastifyInstance } from 'fastify';

/** Lets routes of `app` take `application/merge-patch+json` (RFC 7396), read as JSON is. */
export function acceptMergePatch(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/merge-patch+json', { parseAs: 'string' }, parse);
}
