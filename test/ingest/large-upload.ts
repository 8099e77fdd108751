/** Uploads far larger than memory, and what the memory of the server does meanwhile. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type RealServer, until } from '../e2e/real-server.ts';
import { filmBytes } from './rig.ts';

export const WAYS_IN = ['tus', 'form', 'address'] as const;
export type WayIn = (typeof WAYS_IN)[number];

const PIECE = filmBytes(1024 * 1024);
const BOUNDARY = 'boundary-of-a-large-file';
const SAMPLE_MS = 20;
const PULL_MS = 600_000;

/** Bytes by which the server's memory was larger, at most, than before. The video is deleted in the end. */
export async function memoryGrowth(server: RealServer, way: WayIn, bytes: number): Promise<number> {
  const before = residentBytes(server.pid);
  let most = before;
  const sampler = setInterval(() => {
    most = Math.max(most, residentBytes(server.pid));
  }, SAMPLE_MS);
  const id = await SENDERS[way](server, bytes);
  clearInterval(sampler);
  const url = `${server.url}/api/v1/videos/${id}`;
  const video = (await (await fetch(url)).json()) as { source: { bytes: number } };
  assert.equal(video.source.bytes, bytes);
  assert.equal((await fetch(url, { method: 'DELETE' })).status, 204);
  return most - before;
}

const SENDERS: Readonly<Record<WayIn, (server: RealServer, bytes: number) => Promise<string>>> = {
  async tus(server, bytes) {
    const created = await fetch(`${server.url}/api/v1/uploads`, {
      method: 'POST',
      headers: { 'Tus-Resumable': '1.0.0', 'Upload-Length': String(bytes) },
    });
    const url = new URL(created.headers.get('location') ?? '', server.url);
    const answer = await send(url, 'PATCH', film(bytes), {
      'tus-resumable': '1.0.0',
      'upload-offset': '0',
      'content-type': 'application/offset+octet-stream',
      'content-length': String(bytes),
    });
    assert.equal(answer.status, 204, answer.text);
    return created.headers.get('sluice-video-id') ?? '';
  },

  async form(server, bytes) {
    const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n`;
    const tail = `\r\n--${BOUNDARY}--\r\n`;
    const body = (function* () {
      yield Buffer.from(head);
      yield* film(bytes);
      yield Buffer.from(tail);
    })();
    const answer = await send(new URL(`${server.url}/api/v1/videos`), 'POST', body, {
      'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
      'content-length': String(bytes + head.length + tail.length),
    });
    assert.equal(answer.status, 201, answer.text);
    return (JSON.parse(answer.text) as { id: string }).id;
  },

  async address(server, bytes) {
    const host = createServer((_request, response) => {
      response.writeHead(200, { 'content-length': bytes });
      pipeline(Readable.from(film(bytes)), response).catch(() => {});
    });
    await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
    const { port } = host.address() as AddressInfo;
    const answer = await fetch(`${server.url}/api/v1/videos`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ source: { url: `http://127.0.0.1:${port}/a.mp4` } }),
    });
    assert.equal(answer.status, 201);
    const { id } = (await answer.json()) as { id: string };
    await until('all of it was fetched', PULL_MS, async () => {
      const video = await fetch(`${server.url}/api/v1/videos/${id}`);
      return ((await video.json()) as { status: string }).status === 'uploading' ? undefined : true;
    });
    await new Promise<void>((resolve) => host.close(() => resolve()));
    return id;
  },
};

function* film(bytes: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes; at += PIECE.length)
    yield PIECE.subarray(0, Math.min(PIECE.length, bytes - at));
}

function send(
  url: URL,
  method: string,
  body: Iterable<Uint8Array>,
  headers: Readonly<Record<string, string>>,
): Promise<{ readonly status: number | undefined; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('end', () => resolve({ status: answer.statusCode, text }));
    });
    outgoing.on('error', reject);
    pipeline(Readable.from(body), outgoing).catch(reject);
  });
}

function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}
