/** A server on loopback with a pipeline made of plain values. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { type Video, type VideoId, parseVideoId } from '../../src/catalog/video.ts';
import { AppError } from '../../src/errors.ts';
import type { Presentation } from '../../src/media/presentation.ts';
import { captionsOf } from '../../src/pipeline/captions-of-video.ts';
import { embeddedBroadcast } from '../../src/cluster/broadcast.ts';
import { createVideoEvents } from '../../src/pipeline/events.ts';
import type { Redirect, Resource } from '../../src/pipeline/resource.ts';
import type { Services } from '../../src/pipeline/services.ts';
import { type ServerOptions, type ServerSettings, createServer } from '../../src/server/server.ts';
import { parseObjectKey } from '../../src/storage/object-key.ts';

export const VIDEO_ID = parseVideoId(`vid_${'0123456789abcdef'.repeat(2)}`);

export const SETTINGS: ServerSettings = { logLevel: 'silent', webRoot: undefined, version: '1.2.3' };

export type TestServer = AsyncDisposable & {
  readonly app: FastifyInstance;
  /** `http://127.0.0.1:port` */
  readonly origin: string;
  /** Below `/v/{VIDEO_ID}/`. */
  playbackUrl(path: string): string;
};

/** Listens on a free port until disposed. Lines of the log go to `log`, one object each. */
export async function startServer(
  services: Partial<Services> = {},
  options: Partial<Omit<ServerOptions, 'services'>> & { log?: Record<string, unknown>[] } = {},
): Promise<TestServer> {
  const { log, ...others } = options;
  const destination = { write: (line: string) => void log?.push(JSON.parse(line)) };
  const logger = pino({ level: log === undefined ? 'silent' : 'trace' }, destination);
  const app = await createServer({
    services: {
      videos: videosOf([]),
      playback: playbackOf({}),
      health: { ready: async () => {} },
      events: createVideoEvents(embeddedBroadcast()),
      ingest: noIngest(),
      captions: { put: refuse, delete: refuse },
      posters: { chooseFrame: refuse, choosePicture: refuse, reset: refuse },
      ...services,
    },
    settings: SETTINGS,
    logger,
    ...others,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const origin = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  return {
    app,
    origin,
    playbackUrl: (path) => `${origin}/v/${VIDEO_ID}/${path}`,
    [Symbol.asyncDispose]: () => app.close(),
  };
}

/** A pipeline in which exactly these paths exist. */
export function playbackOf(paths: Record<string, Resource | Redirect>): Services['playback'] {
  return {
    resolve: async (id, path) => {
      const found = id === VIDEO_ID ? paths[path] : undefined;
      if (found === undefined) throw new AppError('not_found', 'there is nothing at this address');
      return found;
    },
  };
}

/** In memory, in chunks of `chunkBytes`. */
export function resourceOf(
  content: Uint8Array | string,
  options: Partial<Resource> & { readonly chunkBytes?: number } = {},
): Resource {
  const bytes = Buffer.from(content);
  const { chunkBytes = 1000, ...overrides } = options;
  return {
    mediaType: 'video/iso.segment',
    bytes: bytes.length,
    etag: createHash('sha1').update(bytes).digest('hex'),
    isImmutable: true,
    open: async (range) => {
      const wanted = range === undefined ? bytes : bytes.subarray(range.start, range.end + 1);
      return ReadableStream.from(chunksOf(wanted, chunkBytes));
    },
    ...overrides,
  };
}

function* chunksOf(bytes: Uint8Array, chunkBytes: number): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    yield bytes.subarray(start, start + chunkBytes);
  }
}

/** Bytes that differ from their neighbours, so that a wrong offset shows. */
export function patternedBytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8) * 7) % 256);
}

export function videoOf(overrides: Partial<Video> = {}): Video {
  return {
    id: VIDEO_ID,
    title: 'Sintel',
    description: '',
    visibility: 'public',
    status: 'inspecting',
    createdAt: new Date('2026-01-02T03:04:05.678Z'),
    updatedAt: new Date('2026-01-02T03:04:06Z'),
    source: {
      origin: 'library',
      key: parseObjectKey('films/sintel.mp4'),
      name: 'films/sintel.mp4',
      bytes: 1234,
      etag: 'e',
    },
    revision: 'r1',
    ...overrides,
  };
}

/** A catalog of these videos, newest first; every one with the same Presentation and addresses. */
export function videosOf(
  videos: readonly Video[],
  options: { presentation?: Presentation; playback?: ReturnType<Services['videos']['playback']> } = {},
): Services['videos'] {
  return {
    list: async ({ limit, cursor }) => {
      const start = Number(cursor ?? 0);
      const items = videos.slice(start, start + limit);
      return start + limit < videos.length ? { items, nextCursor: `${start + limit}` } : { items };
    },
    get: async (id: VideoId) => {
      const video = videos.find((candidate) => candidate.id === id);
      if (video === undefined) throw new AppError('not_found', 'there is no such video');
      return video;
    },
    presentation: () => options.presentation,
    captions: captionsOf,
    playback: () => options.playback ?? {},
    encodedFraction: () => 0.5,
    encodeMap: () => ({}),
    update: async () => assert.fail('nothing is changed here'),
    delete: async () => assert.fail('nothing is deleted here'),
  };
}

async function refuse(): Promise<never> {
  assert.fail('nothing is brought in here');
}

/** For servers that nothing is brought into. */
function noIngest(): Services['ingest'] {
  return {
    createUpload: refuse,
    upload: refuse,
    append: refuse,
    declareLength: refuse,
    terminate: refuse,
    addFile: refuse,
    addFromUrl: refuse,
  };
}

export type RawAnswer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Whether the message ended as its framing promised. */
  readonly isComplete: boolean;
};

/** An answer with its JSON, whatever it may be. */
export async function getJson(url: string, headers: Record<string, string> = {}) {
  const response = await fetch(url, { headers });
  return { status: response.status, headers: response.headers, json: JSON.parse(await response.text()) };
}

/** Sends a request whose target is not tidied up, as `fetch` would, and whose body is not decompressed. */
export function rawRequest(
  origin: string,
  target: string,
  options: { method?: string; headers?: Record<string, string> } = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(origin);
    const outgoing: ClientRequest = request({ hostname, port, path: target, agent: false, ...options });
    outgoing.on('error', reject).on('response', (message: IncomingMessage) => {
      const chunks: Buffer[] = [];
      message.on('data', (chunk: Buffer) => chunks.push(chunk));
      message.on('error', () => undefined);
      message.on('close', () =>
        resolve({
          status: message.statusCode ?? 0,
          headers: message.headers,
          body: Buffer.concat(chunks),
          isComplete: message.complete,
        }),
      );
    });
    outgoing.end();
  });
}
