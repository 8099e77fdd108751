/** Videos in the JSON API, below `/api/v1/videos`. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { parseVideoId } from '../catalog/video.ts';
import type { VideoService } from '../pipeline/services.ts';
import { compressText } from './compress-text.ts';
import { acceptMergePatch } from './merge-patch.ts';
import { jsonResponse, noContent, problemResponses } from './openapi.ts';
import { NEEDS_KEY } from './openapi-paths.ts';
import { baseUrlOf } from './public-url.ts';
import { SegmentsJson, viewSegments } from './segments-view.ts';
import { addServerTiming } from './server-timing.ts';
import { VideoEditBody, videoEditOf } from './video-edit.ts';
import { VideoJson, VideoStatusJson, viewVideo } from './video-view.ts';

const ListQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50).meta({ description: 'Videos a page, at most.' }),
  cursor: z.string().optional().meta({ description: '`nextCursor` of the page before. Opaque.' }),
  status: VideoStatusJson.optional().meta({ description: 'Only videos in this status.' }),
  q: z.string().max(200).optional().meta({
    description: 'Only videos with this in their title or in their source’s name, whatever the case.',
  }),
});

const VideoList = z
  .object({
    items: z.array(VideoJson),
    nextCursor: z.string().optional().meta({ description: 'Absent on the last page.' }),
  })
  .meta({ id: 'VideoList' });

const VideoParams = z.object({ id: z.string().meta({ description: 'A video’s id.' }) });

/** Adds listing, getting, changing and deleting videos, and their encode maps. */
export function addApi(app: FastifyInstance, videos: VideoService, publicUrl: string | undefined): void {
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' });
  });
  addServerTiming(app);
  compressText(app);
  acceptMergePatch(app);
  const typed = app.withTypeProvider<ZodTypeProvider>();

  typed.get(
    '/api/v1/videos',
    {
      schema: {
        operationId: 'listVideos',
        tags: ['Videos'],
        summary: 'List videos',
        description: 'Newest first, a page at a time.',
        querystring: ListQuery,
        response: { 200: jsonResponse('A page of videos.', VideoList), ...problemResponses(400, 500, 503) },
      },
    },
    async (request) => {
      const { limit, cursor, status, q } = request.query;
      const page = await videos.list({
        limit,
        ...(cursor === undefined ? {} : { cursor }),
        ...(status === undefined ? {} : { status }),
        ...(q === undefined ? {} : { q }),
      });
      const baseUrl = baseUrlOf(request, publicUrl);
      const items = page.items.map((video) => viewVideo(video, videos, baseUrl));
      const { nextCursor } = page;
      return { items, ...(nextCursor === undefined ? {} : { nextCursor }) };
    },
  );

  typed.get(
    '/api/v1/videos/:id',
    {
      schema: {
        operationId: 'getVideo',
        tags: ['Videos'],
        summary: 'Get a video',
        params: VideoParams,
        response: { 200: jsonResponse('The video.', VideoJson), ...problemResponses(404, 500, 503) },
      },
    },
    async (request) => {
      const video = await videos.get(parseVideoId(request.params.id));
      return viewVideo(video, videos, baseUrlOf(request, publicUrl));
    },
  );

  typed.patch(
    '/api/v1/videos/:id',
    {
      schema: {
        operationId: 'updateVideo',
        tags: ['Videos'],
        summary: 'Change a video',
        description:
          'A merge patch (RFC 7396): what is not named stays as it is. All of it is changed, or nothing.',
        consumes: ['application/merge-patch+json', 'application/json'],
        security: NEEDS_KEY,
        params: VideoParams,
        body: VideoEditBody,
        response: {
          200: jsonResponse('The video as it is now.', VideoJson),
          ...problemResponses(400, 401, 403, 404, 415, 500, 503),
        },
      },
    },
    async (request) => {
      const id = parseVideoId(request.params.id);
      const video = await videos.update(id, videoEditOf(request.body));
      return viewVideo(video, videos, baseUrlOf(request, publicUrl));
    },
  );

  typed.delete(
    '/api/v1/videos/:id',
    {
      schema: {
        operationId: 'deleteVideo',
        tags: ['Videos'],
        summary: 'Delete a video',
        description:
          'Ends all work on it and removes everything that is stored of it. From then on all its addresses answer 404. A video of the library folder is not ours to delete: remove its file there.',
        security: NEEDS_KEY,
        params: VideoParams,
        response: {
          204: noContent('It is gone.'),
          ...problemResponses(400, 401, 403, 404, 500, 503),
        },
      },
    },
    async (request, reply) => {
      await videos.delete(parseVideoId(request.params.id));
      return reply.code(204).send();
    },
  );

  typed.get(
    '/api/v1/videos/:id/segments',
    {
      schema: {
        operationId: 'getSegments',
        tags: ['Videos'],
        summary: 'Get a video’s encode map',
        description: 'Which segments are stored. Some kilobytes, however long the video is.',
        params: VideoParams,
        response: { 200: jsonResponse('The map.', SegmentsJson), ...problemResponses(404, 500, 503) },
      },
    },
    async (request) => viewSegments(await videos.get(parseVideoId(request.params.id)), videos),
  );
}
