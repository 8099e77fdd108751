/** What happens to videos, told as it happens: `/api/v1/events` and `/api/v1/videos/{id}/events`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { parseVideoId, type Video, type VideoId } from '../catalog/video.ts';
import { isAppError } from '../errors.ts';
import type { Services, VideoService } from '../pipeline/services.ts';
import { Bell } from './bell.ts';
import { clientGoneSignal } from './client-gone.ts';
import { EVENT_STREAM_HEADERS, EventStream, KEEP_ALIVE_MILLISECONDS } from './event-stream.ts';
import { News, type VideoNews } from './news.ts';
import { problemResponses } from './openapi.ts';
import { baseUrlOf } from './public-url.ts';
import { viewSegments } from './segments-view.ts';
import { sendHead } from './send-resource.ts';
import { viewVideo } from './video-view.ts';

export type EventsOptions = {
  readonly services: Pick<Services, 'videos' | 'events'>;
  readonly publicUrl: string | undefined;
  /** {@link KEEP_ALIVE_MILLISECONDS} unless given. */
  readonly keepAliveMilliseconds?: number;
};

/** What happens many times a second is told this much later, all at once. */
const PACE_MILLISECONDS = 500;

const OF_ONE = `Server-sent events (WHATWG HTML 9.2) of one video. Each has JSON for \`data\`:

- \`video\`: the Video as it is now. The first event, and sent again whenever something of it changes.
- \`segments\`: its encode map, as \`/segments\` answers. Follows each \`video\`.
- \`segment\`: \`{id, trackId, index, state}\`; a segment is \`waiting\`, \`encoding\` or \`stored\` now.
- \`progress\`: \`{id, encodedFraction}\`, at most twice a second.
- \`upload\`: \`{id, receivedBytes, totalBytes?}\`, at most twice a second.
- \`deleted\`: \`{id}\`. The last event.

\`id\` counts the events of a connection. Nothing is repeated: whoever comes back is told how things are now.`;

const OF_ALL = `Server-sent events (WHATWG HTML 9.2) of all videos. Each has JSON for \`data\`:

- \`reset\`: \`{}\`. The first event, and sent when too much has happened at once: load the list anew.
- \`video\`: a Video as it is now, after it was created or changed.
- \`progress\`, \`upload\`, \`deleted\`: as for one video.`;

const content = { 'text/event-stream': { schema: z.string() } };

/** Adds both streams of events. They end when the client goes and when the server closes. */
export function addEvents(app: FastifyInstance, options: EventsOptions): void {
  const { videos } = options.services;
  const closing = new AbortController();
  app.addHook('preClose', async () => closing.abort());
  const typed = app.withTypeProvider<ZodTypeProvider>();

  typed.get(
    '/api/v1/events',
    {
      exposeHeadRoute: false,
      schema: {
        operationId: 'listenToAll',
        tags: ['Videos'],
        summary: 'Listen to all videos',
        description: OF_ALL,
        response: { 200: { description: 'Events, until either side ends it.', content } },
      },
    },
    (request, reply) => answer(request, reply, undefined),
  );

  typed.get(
    '/api/v1/videos/:id/events',
    {
      exposeHeadRoute: false,
      schema: {
        operationId: 'listenToVideo',
        tags: ['Videos'],
        summary: 'Listen to a video',
        description: OF_ONE,
        params: z.object({ id: z.string().meta({ description: 'A video’s id.' }) }),
        response: {
          200: { description: 'Events, until either side ends it.', content },
          ...problemResponses(404, 500, 503),
        },
      },
    },
    async (request, reply) => answer(request, reply, (await existing(request)).id),
  );

  const hidden = { schema: { hide: true } };
  app.head('/api/v1/events', hidden, async (_request, reply) => sendHead(reply, 200, EVENT_STREAM_HEADERS));
  app.head('/api/v1/videos/:id/events', hidden, async (request, reply) => {
    await existing(request);
    return sendHead(reply, 200, EVENT_STREAM_HEADERS);
  });

  function existing(request: FastifyRequest) {
    return videos.get(parseVideoId((request.params as { id: string }).id));
  }

  async function answer(
    request: FastifyRequest,
    reply: FastifyReply,
    videoId: VideoId | undefined,
  ): Promise<void> {
    const baseUrl = baseUrlOf(request, options.publicUrl);
    const signal = AbortSignal.any([closing.signal, clientGoneSignal(reply.raw)]);
    const stream = new EventStream(reply.raw, options.keepAliveMilliseconds ?? KEEP_ALIVE_MILLISECONDS);
    reply.hijack();
    try {
      await tellNews({ services: options.services, stream, baseUrl, videoId, signal });
    } catch (error) {
      // The client connects again, and hears then how things are.
      request.log.warn({ err: error }, 'a stream of events has broken off');
    } finally {
      stream.end();
    }
  }
}

type Telling = {
  readonly services: EventsOptions['services'];
  readonly stream: EventStream;
  readonly baseUrl: string;
  /** Absent: all videos. */
  readonly videoId: VideoId | undefined;
  readonly signal: AbortSignal;
};

/** Until `signal` fires, or the one video is deleted. */
async function tellNews(telling: Telling): Promise<void> {
  const { services, stream, videoId, signal } = telling;
  const news = new News({ hasSegments: videoId !== undefined });
  const bell = new Bell();
  const ended = new AbortController();
  const listening = listen(services.events, news, bell, telling, AbortSignal.any([signal, ended.signal]));
  if (videoId === undefined) news.reset();
  else news.note({ type: 'updated', videoId });

  try {
    for (let toldAt = Number.NEGATIVE_INFINITY; !signal.aborted; ) {
      const wait = toldAt + PACE_MILLISECONDS - performance.now();
      if (news.isEmpty) await bell.sleep();
      else if (!news.isUrgent && wait > 0) await bell.sleep(wait);
      else {
        const { isReset, videos } = wait > 0 ? news.takeUrgent() : news.take();
        if (isReset) await stream.send('reset', {});
        for (const [id, about] of videos) {
          const isThere = await tell(telling, id, about);
          if (videoId !== undefined && !isThere) return;
        }
        if (wait <= 0) toldAt = performance.now();
      }
    }
  } finally {
    ended.abort();
    await listening;
  }
}

/** Takes events as they come, however slow the client is. Has begun to listen when it returns its promise. */
async function listen(
  events: Services['events'],
  news: News,
  bell: Bell,
  { videoId }: Telling,
  signal: AbortSignal,
): Promise<void> {
  for await (const event of events.subscribe({ ...(videoId === undefined ? {} : { videoId }), signal })) {
    // Of one video there is no list to be asked for anew: the video itself is news.
    news.note(event.type === 'missed' && videoId !== undefined ? { type: 'updated', videoId } : event);
    bell.ring();
  }
  bell.ring();
}

/** Whether the video is still there. */
async function tell(telling: Telling, id: VideoId, about: VideoNews): Promise<boolean> {
  const { services, stream, videoId } = telling;
  const video = about.isChanged && !about.isDeleted ? await find(services.videos, id) : undefined;
  if (about.isDeleted || (about.isChanged && video === undefined)) {
    await stream.send('deleted', { id });
    return false;
  }
  if (about.upload !== undefined) await stream.send('upload', { id, ...about.upload });
  if (video !== undefined) {
    await stream.send('video', viewVideo(video, services.videos, telling.baseUrl));
    if (videoId !== undefined) await stream.send('segments', viewSegments(video, services.videos));
    return true;
  }
  for (const segment of about.segments.values()) await stream.send('segment', { id, ...segment });
  const { encodedFraction } = about;
  if (encodedFraction !== undefined) await stream.send('progress', { id, encodedFraction });
  return true;
}

async function find(videos: VideoService, id: VideoId): Promise<Video | undefined> {
  try {
    return await videos.get(id);
  } catch (error) {
    if (isAppError(error, 'not_found')) return undefined;
    throw error;
  }
}
