/** Files as the server sends them, under its policy. */
import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { extname, join, normalize } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript',
  '.m3u8': 'application/vnd.apple.mpegurl',
  '.m4s': 'video/iso.segment',
  '.mpd': 'application/dash+xml',
  '.svg': 'image/svg+xml',
  '.vtt': 'text/vtt',
};

/** The policy of src/server/pages.ts at its strictest. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self'",
  "connect-src 'self'",
  "media-src 'self' blob: data:",
  "form-action 'self'",
  "base-uri 'none'",
].join('; ');

/** Sends a built file, or for every path that is none the one page. Rejects where there is no such file. */
export function sendPage(response: ServerResponse, dist: string, pathname: string): Promise<void> {
  return sendFile(response, join(dist, extname(pathname) === '' ? 'index.html' : normalize(pathname)));
}

/** Sends a file whole. Rejects where there is none. */
export async function sendFile(
  response: ServerResponse,
  file: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const body = await readFile(file);
  response.writeHead(200, {
    ...headers,
    'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
    'Content-Security-Policy': POLICY,
    'Content-Length': body.byteLength,
  });
  response.end(body);
}
