/** One file on its way to the server, by tus 1.0.0. The library for it is fetched with the first file. */
import type { DetailedError, Upload, UploadOptions } from 'tus-js-client';
import { apiKeyHeaders } from '../api-key.ts';
import { problemText } from '../problem.ts';
import { fingerprintOf, forgetUpload, rememberUpload, rememberedUploads } from './remembered.ts';

const ENDPOINT = '/api/v1/uploads';

/** Quick at first; in the end it has been trying for about a quarter of an hour. */
const RETRY_DELAYS_MS = [0, 1000, 3000, 5000, 10_000, ...Array<number>(30).fill(30_000)];

/** A client error that passes: the offset is asked anew, the lock is let go, the rate limit ends. */
const PASSING_STATUS = new Set([409, 423, 429]);
/** A server error that does not pass by asking again: not implemented, no room left. */
const LASTING_STATUS = new Set([501, 507]);

export type TransferEvents = {
  onVideo(videoId: string): void;
  onProgress(sentBytes: number): void;
  /** It is tried again by itself. */
  onInterruption(message: string): void;
  onDone(): void;
  onFailure(failure: TransferFailure): void;
};

export type TransferFailure = { readonly status: number; readonly message: string };

/** Can be stopped and started again as often as one likes. */
export type Transfer = {
  /** Begins, or goes on where the server has got to. */
  start(): Promise<void>;
  /** Keeps what has arrived. */
  stop(): Promise<void>;
  /** Also tells the server to forget it. */
  cancel(): Promise<void>;
};

/** Prepares to send `file`; goes on with what an earlier page has begun of it. */
export function createTransfer(file: File, events: TransferEvents): Transfer {
  let upload: Upload | undefined;
  let isWanted = false;

  const start = async () => {
    isWanted = true;
    try {
      upload ??= await prepare(file, events);
      // Stopped while the library was on its way.
      if (isWanted) upload.start();
    } catch {
      events.onFailure({ status: 0, message: 'A part of this page could not be loaded.' });
    }
  };
  const stop = async () => {
    isWanted = false;
    await upload?.abort();
  };
  return {
    start,
    stop,
    cancel: async () => {
      await stop();
      const url = upload?.url;
      forgetUpload(fingerprintOf(file));
      if (url) await endUpload(url);
    },
  };
}

/** Tells the server to forget an upload. Where it does not hear that, the upload expires. */
export async function endUpload(url: string): Promise<void> {
  const headers = { 'Tus-Resumable': '1.0.0', ...apiKeyHeaders() };
  await fetch(onThisServer(url), { method: 'DELETE', headers }).catch(() => undefined);
}

/** How many bytes of it the server has; undefined where it knows nothing of it (any more). */
export async function askOffset(url: string): Promise<number | undefined> {
  const response = await fetch(onThisServer(url), { method: 'HEAD', headers: { 'Tus-Resumable': '1.0.0' } });
  if (response.ok) return Number(response.headers.get('Upload-Offset'));
  if (response.status >= 500) throw new Error(`status ${response.status}`);
  return undefined;
}

async function prepare(file: File, events: TransferEvents): Promise<Upload> {
  const { Upload } = await import('tus-js-client');
  const upload = new Upload(file, optionsFor(file, events));
  const [previous] = await upload.findPreviousUploads();
  if (previous !== undefined) upload.resumeFromPreviousUpload(previous);
  return upload;
}

function optionsFor(file: File, events: TransferEvents): UploadOptions {
  let videoId: string | undefined;
  return {
    endpoint: ENDPOINT,
    metadata: { filename: file.name, ...(file.type === '' ? {} : { filetype: file.type }) },
    retryDelays: RETRY_DELAYS_MS,
    removeFingerprintOnSuccess: true,
    fingerprint: async () => fingerprintOf(file),
    urlStorage: {
      findAllUploads: async () => [],
      findUploadsByFingerprint: async (wanted) =>
        rememberedUploads()
          .filter(({ fingerprint }) => fingerprint === wanted)
          .map(({ fingerprint, bytes, uploadUrl }) => ({
            size: bytes,
            metadata: {},
            creationTime: '',
            urlStorageKey: fingerprint,
            uploadUrl: onThisServer(uploadUrl),
            parallelUploadUrls: null,
          })),
      removeUpload: async (key) => forgetUpload(key),
      addUpload: async (fingerprint, { uploadUrl }) => {
        const known = { fingerprint, name: file.name, bytes: file.size };
        const video = videoId === undefined ? {} : { videoId };
        if (uploadUrl !== null) rememberUpload({ ...known, uploadUrl, ...video });
        return fingerprint;
      },
    },
    onBeforeRequest: (request) => {
      // At each request: the key may have been given since the last one was refused.
      for (const [name, value] of Object.entries(apiKeyHeaders())) request.setHeader(name, value);
    },
    onAfterResponse: (_request, response) => {
      const id = response.getHeader('Sluice-Video-Id');
      if (!id || id === videoId) return;
      videoId = id;
      events.onVideo(id);
    },
    onShouldRetry: (error) => {
      const failure = failureOf(error);
      const passes = mayPass(failure.status);
      if (passes) events.onInterruption(failure.message);
      return passes;
    },
    onProgress: (sent) => events.onProgress(sent),
    onSuccess: () => events.onDone(),
    onError: (error) => events.onFailure(failureOf(error as DetailedError)),
  };
}

/** The server may be known by several names; the page may only speak to the one it came from. */
function onThisServer(url: string): string {
  return new URL(url, location.href).pathname;
}

/** Whether asking again may help. */
function mayPass(status: number): boolean {
  if (status >= 500) return !LASTING_STATUS.has(status);
  return status === 0 || PASSING_STATUS.has(status);
}

function failureOf({ originalResponse }: Partial<DetailedError>): TransferFailure {
  const status = originalResponse?.getStatus() ?? 0;
  if (status === 0) return { status, message: 'The connection was lost.' };
  return { status, message: problemText(originalResponse?.getBody() ?? '', status) };
}
