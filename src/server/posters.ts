/** `/api/v1/videos/{id}/poster`: the poster that people choose. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { parseVideoId, type Video, type VideoId } from '../catalog/video.ts';
import { AppError } from '../errors.ts';
import { MAX_POSTER_BYTES, posterTooLarge } from '../pipeline/posters.ts';
import type { Services } from '../pipeline/services.ts';
import { clientGoneSignal } from './client-gone.ts';
import { drain } from './early-answer.ts';
import { readForm } from './form.ts';
import { jsonResponse, problemResponses } from './openapi.ts';
import { NEEDS_KEY } from './openapi-paths.ts';
import { baseUrlOf } from './public-url.ts';
import { VideoJson, viewVideo } from './video-view.ts';
import { brokenOff, webBody } from './web-body.ts';

const FORM = 'multipart/form-data';
/** What pictures are sent as. Which kind it is, its bytes say. */
const TYPES = ['image/jpeg', 'image/png', 'image/webp', 'application/octet-stream'];
/** What a form may have around its file. */
const FORM_BYTES = 64 * 1024;

const Params = z.object({ id: z.string().meta({ description: 'A video’s id.' }) });
const FrameBody = z.strictObject({ timeSeconds: z.number().min(0) });

/** Adds the routes that choose posters. */
export function addPosters(
  app: FastifyInstance,
  { posters, videos }: Pick<Services, 'posters' | 'videos'>,
  publicUrl: string | undefined,
): void {
  app.removeContentTypeParser('text/plain');
  // Read by readForm and by webBody.
  app.addContentTypeParser([FORM, ...TYPES], (_request, _payload, done) => done(null));
  app.addContentTypeParser('*', (request, _payload, done) => {
    drain(request.raw);
    const kinds = ['application/json', ...TYPES, FORM].join(', ');
    done(new AppError('unsupported_media_type', `a poster is sent as ${kinds}`));
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' });
    const bytes = Number(request.headers['content-length'] ?? 0);
    if (bytes <= MAX_POSTER_BYTES + (isOf(request, FORM) ? FORM_BYTES : 0)) return;
    drain(request.raw);
    throw posterTooLarge();
  });
  const typed = app.withTypeProvider<ZodTypeProvider>();

  typed.put(
    '/api/v1/videos/:id/poster',
    {
      // Fastify's own limit is below ours, and what exceeds ours is refused while it is read.
      bodyLimit: Number.MAX_SAFE_INTEGER,
      // Described in openapi-posters.ts: its body is of several kinds.
      schema: { hide: true, params: Params },
    },
    async (request, reply) => {
      const signal = clientGoneSignal(reply.raw);
      try {
        const video = await chosen(request, parseVideoId(request.params.id), signal);
        return viewVideo(video, videos, baseUrlOf(request, publicUrl));
      } catch (error) {
        drain(request.raw);
        throw error;
      }
    },
  );

  typed.delete(
    '/api/v1/videos/:id/poster',
    {
      schema: {
        operationId: 'resetPoster',
        tags: ['Videos'],
        summary: 'Let Sluice choose the poster again',
        security: NEEDS_KEY,
        params: Params,
        response: {
          200: jsonResponse('The video as it is now.', VideoJson),
          ...problemResponses(401, 403, 404, 500, 503),
        },
      },
    },
    async (request) =>
      viewVideo(await posters.reset(parseVideoId(request.params.id)), videos, baseUrlOf(request, publicUrl)),
  );

  async function chosen(request: FastifyRequest, id: VideoId, signal: AbortSignal): Promise<Video> {
    const { raw, body } = request;
    if (isOf(request, FORM)) return posters.choosePicture(id, (await readForm(raw)).body, signal);
    if (!isOf(request, 'application/json')) return posters.choosePicture(id, webBody(raw, brokenOff), signal);
    const frame = FrameBody.safeParse(body);
    if (frame.success) return posters.chooseFrame(id, frame.data.timeSeconds, signal);
    throw new AppError('invalid_request', 'timeSeconds: a number of seconds, from 0 up', {
      cause: frame.error,
    });
  }
}

function isOf({ headers }: FastifyRequest, type: string): boolean {
  return (headers['content-type'] ?? '').toLowerCase().split(';')[0]?.trim() === type;
}
