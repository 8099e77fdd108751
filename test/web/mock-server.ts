/**
 * Sluice as the pages see it: the built pages under the real server's policy, an API whose videos a test sets, and
 * streams from a folder that can be as slow and as busy as an encoder. Only for tests of the pages.
 */
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { join, normalize } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Video } from '../../web/src/api.ts';
import type { SegmentsJson } from '../../web/src/encode-map/segments.ts';
import { sendFile, sendPage } from './send-file.ts';

/** The server tells its news at once; a browser that lost it comes back soon. */
const EVENTS_HEAD = 'retry: 500\n\n';

export type MockServer = Awaited<ReturnType<typeof startMockServer>>;

/** What a test may change while the server runs. */
export type MockState = {
  videos: Video[];
  /** The API answers with this status instead. */
  apiStatus: number;
  /** What each of the next `slowRequests` requests for segments waits, as for an encoder. */
  encodeMs: number;
  slowRequests: number;
  /** How many of the next requests for segments are refused with 503. */
  refusals: number;
  /** Segments are not there at all. */
  isMediaGone: boolean;
  /** Whether there are streams of events. */
  hasEvents: boolean;
  /** Encode maps, by video. */
  segments: Readonly<Record<string, SegmentsJson>>;
  /** Changes are refused with this. */
  refusal: { readonly status: number; readonly detail: string } | undefined;
};

const CALM: MockState = {
  videos: [],
  apiStatus: 200,
  encodeMs: 0,
  slowRequests: 0,
  refusals: 0,
  isMediaGone: false,
  hasEvents: true,
  segments: {},
  refusal: undefined,
};

/** Serves `dist` as the pages and `streams` below `/v/`, on a free port. */
export async function startMockServer(dist: string, streams: string) {
  const listeners = new Set<Listener>();
  /** What was told before anybody listened: whoever comes next hears it. A page listens a moment after it has appeared. */
  const unheard: News[] = [];
  // Whatever a test changes is told to who listens, as the server does.
  const state = new Proxy<MockState>(
    { ...CALM },
    {
      set(target, name, value) {
        const isSet = Reflect.set(target, name, value);
        if (name === 'videos') for (const listener of listeners) tellVideos(listener, target);
        if (target.apiStatus !== 200 || !target.hasEvents)
          for (const { response } of listeners) response.end();
        return isSet;
      },
    },
  );
  /** How often each segment was asked for. */
  const requests = new Map<string, number>();

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://mock');
    const events = /^\/api\/v1\/(?:videos\/([^/]+)\/)?events$/.exec(url.pathname);
    if (events !== null && state.hasEvents && state.apiStatus === 200) {
      listen(listeners, { response, videoId: events[1] }, state);
      for (const news of unheard.splice(0)) if (!told(listeners, news)) unheard.push(news);
      return;
    }
    if (events !== null) return sendJson(response, state.apiStatus === 200 ? 404 : state.apiStatus, {});
    if (url.pathname.startsWith('/api/')) {
      return sendJson(response, ...(await change(state, request, url)));
    }
    if (url.pathname.startsWith('/v/')) {
      const refused = await media(state, requests, url.pathname);
      if (refused !== undefined) return sendJson(response, refused, { title: 'not now' });
      // /v/{id}/... : the first part names the stream's folder, a suffix after a dash tells videos apart.
      const [, , id = '', ...rest] = url.pathname.split('/');
      const file = join(streams, id.split('-')[0] ?? '', normalize(rest.join('/')));
      return sendFile(response, file, { 'Access-Control-Allow-Origin': '*' });
    }
    return sendPage(response, dist, url.pathname);
  };

  const server = createServer((request, response) => {
    answer(request, response).catch(() => {
      if (!response.headersSent) response.writeHead(404);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    state,
    requests,
    /** Tells who listens to this video, or to all. */
    tell(event: string, data: News['data']) {
      // Whoever asks anew hears the same: a list that was asked for before must not take back what was told.
      const index = state.videos.findIndex(({ id }) => id === data.id);
      if (event === 'progress' && index >= 0) Object.assign(state.videos[index]!, data);
      if (event === 'deleted' && index >= 0) state.videos.splice(index, 1);
      if (!told(listeners, { event, data })) unheard.push({ event, data });
    },
    /** Back to a quick server without videos. */
    reset() {
      Object.assign(state, CALM, { videos: [] });
      requests.clear();
      unheard.length = 0;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

type News = {
  readonly event: string;
  readonly data: { readonly id?: string } & Readonly<Record<string, unknown>>;
};

/** Whether anybody heard it. */
function told(listeners: ReadonlySet<Listener>, { event, data }: News): boolean {
  const meant = [...listeners].filter(({ videoId }) => videoId === undefined || videoId === data.id);
  for (const listener of meant) send(listener, event, data);
  return meant.length > 0;
}

type Listener = { readonly response: ServerResponse; readonly videoId: string | undefined };

function listen(listeners: Set<Listener>, listener: Listener, state: MockState): void {
  const { response } = listener;
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  response.write(EVENTS_HEAD);
  listeners.add(listener);
  response.once('close', () => listeners.delete(listener));
  tellVideos(listener, state);
}

function tellVideos(listener: Listener, { videos, segments }: MockState): void {
  const { videoId: id } = listener;
  if (id === undefined) return send(listener, 'reset', {});
  const video = videos.find((each) => each.id === id);
  if (video === undefined) return send(listener, 'deleted', { id });
  send(listener, 'video', video);
  send(listener, 'segments', segments[id] ?? { tracks: {} });
}

function send({ response }: Listener, event: string, data: unknown): void {
  response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}

/** What changes a video, and everything that does not. */
async function change(state: MockState, request: IncomingMessage, url: URL): Promise<[number, unknown]> {
  if (request.method === 'GET') return api(state, url);
  const { refusal } = state;
  if (refusal !== undefined) return [refusal.status, { title: 'Refused', detail: refusal.detail }];
  const id = url.pathname.split('/').at(-1);
  if (request.method === 'DELETE') {
    state.videos = state.videos.filter((video) => video.id !== id);
    return [204, undefined];
  }
  const edit = (await json(request)) as Partial<Video>;
  state.videos = state.videos.map((video) => (video.id === id ? { ...video, ...edit } : video));
  return api(state, url);
}

function api(state: MockState, url: URL): [number, unknown] {
  if (state.apiStatus !== 200)
    return [state.apiStatus, { title: 'Out of order', detail: 'The disk is full.' }];
  const mapped = /^\/api\/v1\/videos\/(.+)\/segments$/.exec(url.pathname)?.[1];
  if (mapped !== undefined) return [200, state.segments[mapped] ?? { tracks: {} }];
  const id = /^\/api\/v1\/videos\/(.+)$/.exec(url.pathname)?.[1];
  if (id !== undefined) {
    const video = state.videos.find((each) => each.id === id);
    return video === undefined ? [404, { title: 'Not Found' }] : [200, video];
  }
  const q = (url.searchParams.get('q') ?? '').toLowerCase();
  const limit = Number(url.searchParams.get('limit'));
  const start = Number(url.searchParams.get('cursor') ?? 0);
  const found = state.videos.filter(({ title }) => title.toLowerCase().includes(q));
  const end = start + limit;
  return [
    200,
    { items: found.slice(start, end), ...(end < found.length ? { nextCursor: String(end) } : {}) },
  ];
}

/** Waits as an encoder would; a status where there is no segment to send. */
async function media(
  state: MockState,
  requests: Map<string, number>,
  path: string,
): Promise<number | undefined> {
  if (!path.endsWith('.m4s')) return undefined;
  if (state.isMediaGone) return 404;
  requests.set(path, (requests.get(path) ?? 0) + 1);
  if (path.includes('init-')) return undefined;
  if (state.refusals > 0) {
    state.refusals--;
    return 503;
  }
  if (state.slowRequests > 0) {
    state.slowRequests--;
    await wait(state.encodeMs);
  }
  return undefined;
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const type = status < 400 ? 'application/json' : 'application/problem+json';
  response.writeHead(status, { 'Content-Type': type, ...(status === 503 ? { 'Retry-After': '1' } : {}) });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}
