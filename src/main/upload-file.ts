/** Sends a file to a server with tus, going on where a break left it. */
import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { AppError } from '../errors.ts';

/** Where to, and the key where one is wanted. */
export type UploadServer = { readonly url: string; readonly apiKey?: string };

/** Attempts in a row that bring no byte. */
const MAX_ATTEMPTS = 5;
const PAUSE_MS = 1000;

/** Gives the id of the video. Throws `invalid_request` with the server's reason, `unavailable` after many breaks. */
export async function uploadFile(server: UploadServer, file: string, signal: AbortSignal): Promise<string> {
  const blob = await openAsBlob(file);
  const created = await request(server, `${server.url}/api/v1/uploads`, signal, {
    method: 'POST',
    headers: {
      'Upload-Length': `${blob.size}`,
      'Upload-Metadata': `filename ${Buffer.from(basename(file)).toString('base64')}`,
    },
  });
  const upload = new URL(created.headers.get('location') ?? '', server.url).href;
  let offset = 0;
  for (let attempt = 1; offset < blob.size; attempt++) {
    try {
      const answer = await request(server, upload, signal, {
        method: 'PATCH',
        headers: { 'Upload-Offset': `${offset}`, 'Content-Type': 'application/offset+octet-stream' },
        body: blob.slice(offset, blob.size, 'application/offset+octet-stream'),
      });
      offset = offsetOf(answer);
    } catch (error) {
      if (error instanceof AppError || signal.aborted || attempt === MAX_ATTEMPTS)
        throw connectionError(error);
      await wait(PAUSE_MS, undefined, { signal });
      const before = offset;
      offset = offsetOf(await request(server, upload, signal, { method: 'HEAD' }));
      if (offset > before) attempt = 0;
    }
  }
  return created.headers.get('sluice-video-id') ?? '';
}

async function request(
  { apiKey }: UploadServer,
  url: string,
  signal: AbortSignal,
  { headers, ...init }: { method: string; headers?: Record<string, string>; body?: Blob },
): Promise<Response> {
  const key = apiKey === undefined ? {} : { Authorization: `Bearer ${apiKey}` };
  const answer = await fetch(url, {
    ...init,
    headers: { 'Tus-Resumable': '1.0.0', ...key, ...headers },
    signal,
  });
  if (answer.ok) return answer;
  throw new AppError('invalid_request', reasonIn(await answer.text()));
}

/** The server's own words (RFC 9457). */
function reasonIn(body: string): string {
  try {
    return (JSON.parse(body) as { detail?: string }).detail ?? body;
  } catch {
    return body;
  }
}

function offsetOf(answer: Response): number {
  return Number(answer.headers.get('upload-offset'));
}

function connectionError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError('unavailable', 'the connection to the server broke too often', { cause: error });
}
