import type { FastifyInstance } from 'fastify';
import { chooseCoding, encode, isCompressible } from './content-coding.ts';

/** Compresses the text that routes of `app` answer with. Resources are compressed where they are sent. */
export function compressText(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload) => {
    reply.header('Vary', 'Accept-Encoding');
    const mediaType = String(reply.getHeader('content-type') ?? '');
    if (typeof payload !== 'string' || !isCompressible(mediaType, payload.length)) return payload;
    const coding = chooseCoding(request.headers['accept-encoding']);
    if (coding === undefined) return payload;
    reply.header('Content-Encoding', coding).removeHeader('Content-Length');
    return encode(Buffer.from(payload), coding);
  });
}
