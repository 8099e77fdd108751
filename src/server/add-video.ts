/** `POST /api/v1/videos`: a file in a form, or an address to fetch one from. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Video } from '../catalog/video.ts';
import { AppError } from '../errors.ts';
import type { Services, VideoEdit } from '../pipeline/services.ts';
import { watchedBody } from '../pipeline/watched-body.ts';
import { drain } from './early-answer.ts';
import { readForm } from './form.ts';
import { baseUrlOf } from './public-url.ts';
import { VideoEditBody, videoEditOf } from './video-edit.ts';
import { viewVideo } from './video-view.ts';

/** What a form may say besides the file, and JSON besides the address. */
export const FormFields = VideoEditBody.pick({ title: true, description: true });

/** What an address is sent with. */
export const AddFromUrlJson = FormFields.extend({
  source: z.strictObject({ url: z.string().max(8192).meta({ description: 'http:// or https://' }) }),
});

type Ways = Pick<Services, 'ingest' | 'videos'>;

/** Adds the route that makes videos in one request. */
export function addVideoCreation(app: FastifyInstance, services: Ways, publicUrl: string | undefined): void {
  app.removeContentTypeParser('text/plain');
  // The bytes of a form are read by readForm.
  app.addContentTypeParser('multipart/form-data', (_request, _payload, done) => done(null));
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' });
  });

  // Described in openapi-uploads.ts: its body is of two kinds.
  app.post('/api/v1/videos', { schema: { hide: true } }, async (request, reply) => {
    const baseUrl = baseUrlOf(request, publicUrl);
    const video = isForm(request) ? await fromForm(request, services) : await fromUrl(request, services);
    return reply
      .code(201)
      .header('Location', `${publicUrl === undefined ? '' : baseUrl}/api/v1/videos/${video.id}`)
      .send(viewVideo(video, services.videos, baseUrl));
  });
}

function isForm({ headers }: FastifyRequest): boolean {
  return /^multipart\/form-data\b/i.test(headers['content-type'] ?? '');
}

async function fromForm({ raw }: FastifyRequest, { ingest, videos }: Ways): Promise<Video> {
  const gone = new AbortController();
  raw.once('close', () => {
    if (!raw.complete) gone.abort();
  });
  try {
    const form = await readForm(raw);
    let edit: VideoEdit = {};
    const body = watchedBody(form.body, {
      onBytes: () => {},
      // Now all fields are there, and the video is not yet: wrong ones leave none behind.
      onEnd: () => {
        const filledIn = [...form.fields].filter(([, value]) => value !== '');
        edit = videoEditOf(parsed(FormFields, Object.fromEntries(filledIn)));
      },
    });
    const video = await ingest.addFile({ filename: form.filename }, body, gone.signal);
    return await edited(videos, video, edit);
  } catch (error) {
    drain(raw);
    throw error;
  }
}

async function fromUrl({ body }: FastifyRequest, { ingest, videos }: Ways): Promise<Video> {
  const { source, title, description } = parsed(AddFromUrlJson, body);
  const video = await ingest.addFromUrl({ url: source.url, ...(title === undefined ? {} : { title }) });
  return edited(videos, video, description === undefined ? {} : { description });
}

async function edited(videos: Ways['videos'], video: Video, edit: VideoEdit): Promise<Video> {
  return Object.keys(edit).length === 0 ? video : videos.update(video.id, edit);
}

function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const reasons = result.error.issues.map(({ path, message }) => [...path, message].join(': '));
  throw new AppError('invalid_request', reasons.join('; '), { cause: result.error });
}
