/** `/api/v1/videos/{id}/captions/{language}`: captions that people add. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { parseVideoId } from '../catalog/video.ts';
import { AppError } from '../errors.ts';
import { captionsTooLarge, MAX_CAPTION_BYTES } from '../pipeline/caption-text.ts';
import type { CaptionService } from '../pipeline/services.ts';
import { viewCaption } from './caption-view.ts';
import { drain } from './early-answer.ts';
import { readForm } from './form.ts';
import { noContent, problemResponses } from './openapi.ts';
import { NEEDS_KEY } from './openapi-paths.ts';
import { baseUrlOf } from './public-url.ts';
import { brokenOff, webBody } from './web-body.ts';

const FORM = 'multipart/form-data';
/** What WebVTT and SubRip are sent as. Programs that do not know say that it is text, bytes, or nothing. */
const TYPES = ['text/vtt', 'application/x-subrip', 'text/plain', 'application/octet-stream'];
/** What a form may have around its file. */
const FORM_BYTES = 64 * 1024;

const Params = z.object({
  id: z.string().meta({ description: 'A video’s id.' }),
  language: z.string().meta({ description: 'A tag of BCP 47: `en`, `pt-BR`, `zh-Hant`.' }),
});

const Query = z.object({
  label: z
    .string()
    .trim()
    .min(1)
    .max(100)
    .regex(/^\P{Cc}*$/u)
    .optional(),
  kind: z.enum(['subtitles', 'captions']).default('subtitles'),
  default: z.enum(['true', 'false']).default('false'),
});

/** Adds the routes that change captions. */
export function addCaptions(
  app: FastifyInstance,
  captions: CaptionService,
  publicUrl: string | undefined,
): void {
  app.removeAllContentTypeParsers();
  // Read by readForm and by webBody. Nothing said is `*`, and so is what is not taken.
  app.addContentTypeParser([FORM, ...TYPES], (_request, _payload, done) => done(null));
  app.addContentTypeParser('*', (request, _payload, done) => {
    if (request.headers['content-type'] === undefined) return done(null);
    drain(request.raw);
    done(new AppError('unsupported_media_type', `captions are sent as ${[...TYPES, FORM].join(', ')}`));
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' });
    const bytes = Number(request.headers['content-length'] ?? 0);
    if (bytes <= MAX_CAPTION_BYTES + (isForm(request) ? FORM_BYTES : 0)) return;
    drain(request.raw);
    throw captionsTooLarge();
  });
  const typed = app.withTypeProvider<ZodTypeProvider>();

  typed.put(
    '/api/v1/videos/:id/captions/:language',
    {
      // Fastify's own limit is below ours, and what exceeds ours is refused while it is read.
      bodyLimit: Number.MAX_SAFE_INTEGER,
      // Described in openapi-captions.ts: its body is of several kinds.
      schema: { hide: true, params: Params, querystring: Query },
    },
    async (request, reply) => {
      const { params, query, raw } = request;
      const videoId = parseVideoId(params.id);
      const edit = {
        ...(query.label === undefined ? {} : { label: query.label }),
        kind: query.kind,
        isDefault: query.default === 'true',
      };
      const gone = new AbortController();
      raw.once('close', () => {
        if (!raw.complete) gone.abort();
      });
      try {
        const body = isForm(request) ? (await readForm(raw)).body : webBody(raw, brokenOff);
        const { caption, isNew } = await captions.put(videoId, params.language, edit, body, gone.signal);
        return await reply
          .code(isNew ? 201 : 200)
          .send(viewCaption(videoId, caption, baseUrlOf(request, publicUrl)));
      } catch (error) {
        drain(raw);
        throw error;
      }
    },
  );

  typed.delete(
    '/api/v1/videos/:id/captions/:language',
    {
      schema: {
        operationId: 'deleteCaptions',
        tags: ['Captions'],
        summary: 'Remove captions',
        description: 'Those that were uploaded in this language. What the source has in it is offered again.',
        security: NEEDS_KEY,
        params: Params,
        response: {
          204: noContent('They are gone.'),
          ...problemResponses(400, 401, 403, 404, 500, 503),
        },
      },
    },
    async ({ params }, reply) => {
      await captions.delete(parseVideoId(params.id), params.language);
      return reply.code(204).send();
    },
  );
}

function isForm({ headers }: FastifyRequest): boolean {
  return /^multipart\/form-data\b/i.test(headers['content-type'] ?? '');
}
