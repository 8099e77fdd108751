/** Resumable uploads: tus 1.0.0 (https://tus.io/protocols/resumable-upload), by `@tus/server`. */
import { Server as TusServer } from '@tus/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { parseUploadId } from '../catalog/upload.ts';
import { AppError, type ErrorCode, isAppError } from '../errors.ts';
import type { IngestService } from '../pipeline/services.ts';
import { drain } from './early-answer.ts';
import { sendProblem, statusOf } from './problems.ts';
import { TusBodies } from './tus-body.ts';
import { TusStore } from './tus-store.ts';

const PATH = '/api/v1/uploads';
const CONTENT_TYPE = 'application/offset+octet-stream';
const VERSION = '1.0.0';
/** A request that is to give way keeps what has arrived by then. At least 1. */
const GIVE_WAY_MILLISECONDS = 20;

/** What every answer carries, also one that did not come to the protocol's own server. */
const HEADERS = {
  'Tus-Resumable': VERSION,
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers':
    'Location, Sluice-Video-Id, Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, Upload-Defer-Length, Upload-Expires, Upload-Length, Upload-Metadata, Upload-Offset',
};

/** What the protocol's own refusals are called here. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  404: 'not_found',
  409: 'offset_mismatch',
  410: 'gone',
  412: 'precondition_failed',
  413: 'source_too_large',
};

/** Adds the tus endpoints. `publicUrl` is what `Location` starts with; without it, it is relative. */
export function addUploads(app: FastifyInstance, ingest: IngestService, publicUrl: string | undefined): void {
  const failures = new WeakMap<Request, unknown>();
  const bodies = new TusBodies();
  const store = new TusStore(ingest, bodies);
  const tus = new TusServer({
    path: PATH,
    datastore: store,
    locker: store,
    lockDrainTimeout: GIVE_WAY_MILLISECONDS,
    maxSize: ingest.maxBytes ?? Number.MAX_SAFE_INTEGER,
    generateUrl: (_request, { id }) => `${publicUrl ?? ''}${PATH}/${id}`,
    getFileIdFromRequest: (_request, lastPart) => lastPart,
    onResponseError: (request, error) => {
      failures.set(request, error);
      return undefined;
    },
  });

  const handle = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    reply.headers(HEADERS);
    try {
      checkProtocol(request);
      const [webRequest, answer] = await bodies.handle(request.raw, async (standIn) => {
        const handled = webRequestOf(request, standIn);
        return [handled, await tus.handleWeb(handled)];
      });
      if (answer.status >= 400) throw failureOf(failures.get(webRequest), answer);
      reply.code(answer.status).headers({ ...Object.fromEntries(answer.headers), ...HEADERS });
      await addVideoId(reply, ingest, answer.headers.get('location') ?? request.url);
      return answer.status === 204 ? reply.send() : reply.send('');
    } catch (error) {
      drain(request.raw);
      return sendProblem(request, reply, error, isVersionProblem(error) ? { 'Tus-Version': VERSION } : {});
    }
  };

  // Bodies are read by whoever wants them, as they come.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  // Described in openapi-uploads.ts.
  const schema = { hide: true };
  for (const url of [PATH, `${PATH}/`])
    app.route({ method: ['POST', 'OPTIONS'], url, schema, handler: handle });
  app.route({
    method: ['HEAD', 'PATCH', 'DELETE', 'OPTIONS'],
    url: `${PATH}/:id`,
    schema,
    handler: handle,
  });
}

/** What `@tus/server` answers in other ways than the protocol has it. */
function checkProtocol({ method, headers }: FastifyRequest): void {
  if (method === 'OPTIONS') return;
  // Protocol, "Tus-Resumable": another version is answered 412, and nothing is done.
  if (headers['tus-resumable'] !== VERSION) {
    throw new AppError('precondition_failed', `Tus-Resumable must be ${VERSION}`);
  }
  // Protocol, "PATCH": any other type is answered 415.
  if (method === 'PATCH' && headers['content-type'] !== CONTENT_TYPE) {
    throw new AppError('unsupported_media_type', `the bytes of an upload are ${CONTENT_TYPE}`);
  }
  if (method === 'PATCH' && headers['upload-offset'] === undefined) {
    throw new AppError('invalid_request', 'Upload-Offset is missing');
  }
}

function webRequestOf(request: FastifyRequest, body: ReadableStream): Request {
  const { method, raw } = request;
  const headers = new Headers();
  for (const [name, value] of Object.entries(raw.headers)) headers.set(name, String(value));
  // The host plays no part.
  const url = new URL(request.url, 'http://localhost');
  const hasBody = method === 'POST' || method === 'PATCH';
  return new Request(url, {
    method,
    headers,
    ...(hasBody ? { body, duplex: 'half' } : {}),
  });
}

/** The error of ours that stopped it, else what the protocol's server has to say. */
function failureOf(error: unknown, { status }: Response): AppError {
  if (isAppError(error)) return error;
  const said = error as { readonly status_code?: number; readonly body?: string } | undefined;
  const message = (said?.body ?? 'the headers of the upload are not valid').trim();
  if (said !== undefined && said.status_code === undefined) {
    return new AppError('internal', 'the upload failed', { cause: error });
  }
  return new AppError(CODES[status] ?? 'invalid_request', message, { cause: error });
}

function isVersionProblem(error: unknown): boolean {
  return isAppError(error) && statusOf(error.code) === 412;
}

/** Which video it will be, for whoever creates or resumes an upload. */
async function addVideoId(reply: FastifyReply, ingest: IngestService, url: string): Promise<void> {
  const id = /\/([0-9a-f]{32})$/.exec(url)?.[1];
  if (id === undefined || reply.request.method === 'DELETE') return;
  if (reply.request.method === 'OPTIONS') return;
  const upload = await ingest.upload(parseUploadId(id));
  reply.header('Sluice-Video-Id', upload.videoId);
}
