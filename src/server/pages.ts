/** The built pages: read once at start, served from memory. */
import { existsSync } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Resource } from '../pipeline/resource.ts';
import { clientGoneSignal } from './client-gone.ts';
import { memoryResource } from '../pipeline/memory-resource.ts';
import { sendResource } from './send-resource.ts';

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
};

const NOT_BUILT = 'The pages are not built. Build them with: npm run web:build, then start Sluice again.\n';

/**
 * Adds `/`, `/watch/:id` and `/embed/:id`, and every built file at its own path; no other file can be reached.
 * `webRoot` is the folder of the build. Without one, the three say what to do.
 */
export async function addPages(
  app: FastifyInstance,
  webRoot: string | undefined,
  origins: PageOrigins,
): Promise<void> {
  const files = webRoot === undefined ? new Map<string, Resource>() : await readFiles(webRoot);
  const index = files.get('index.html');
  for (const [path, framing] of [
    ['/', "'self'"],
    ['/watch/:id', "'self'"],
    ['/embed/:id', '*'],
  ] as const) {
    addFile(app, path, index, pageHeaders(contentSecurityPolicy(framing, origins)));
  }
  // Browsers ask for it by this name where a document names none, as the page of the API does not.
  const icon = files.get('favicon.svg');
  if (icon !== undefined) addFile(app, '/favicon.ico', icon, FILE_HEADERS);
  for (const [name, file] of files) {
    if (!name.endsWith('.html')) addFile(app, `/${name}`, file, FILE_HEADERS);
  }
}

const FILE_HEADERS = { 'X-Content-Type-Options': 'nosniff' };

function pageHeaders(policy: string): Record<string, string> {
  return {
    ...FILE_HEADERS,
    'Content-Security-Policy': policy,
    'Referrer-Policy': 'strict-origin-when-cross-origin',
  };
}

/** Where a page may fetch from, besides where it came from: `https://host`. */
type PageOrigins = { readonly publicUrl: string | undefined; readonly mediaOrigin: string | undefined };

/** `framing` says who may put the page into a frame. */
function contentSecurityPolicy(framing: string, { publicUrl, mediaOrigin }: PageOrigins): string {
  // Addresses in the API's answers start with the public URL, which need not be where the page came from.
  const self = publicUrl === undefined ? "'self'" : `'self' ${new URL(publicUrl).origin}`;
  const media = mediaOrigin === undefined ? self : `${self} ${mediaOrigin}`;
  return [
    "default-src 'none'",
    "script-src 'self'",
    // Players style their shadow trees with <style> elements.
    "style-src 'self' 'unsafe-inline'",
    `img-src ${self} data: blob:`,
    "font-src 'self' data:",
    `connect-src ${media}`,
    // Media Source Extensions play from blob: addresses, and hls.js runs a worker from one. Shaka Player begins its
    // captions with an empty text from data:.
    `media-src ${media} blob: data:`,
    "worker-src 'self' blob:",
    "frame-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    `frame-ancestors ${framing}`,
  ].join('; ');
}

function addFile(
  app: FastifyInstance,
  url: string,
  resource: Resource | undefined,
  headers: Readonly<Record<string, string>>,
): void {
  app.get(url, { schema: { hide: true } }, async (request: FastifyRequest, reply: FastifyReply) => {
    if (resource === undefined) return reply.code(503).type('text/plain; charset=utf-8').send(NOT_BUILT);
    return sendResource(request, reply, resource, clientGoneSignal(reply.raw), headers);
  });
}

/** By path below `root`, with `/` between the parts. */
async function readFiles(root: string): Promise<Map<string, Resource>> {
  const files = new Map<string, Resource>();
  if (!existsSync(join(root, 'index.html'))) return files;
  for await (const entry of glob('**/*.*', { cwd: root })) {
    const name = entry.split(sep).join('/');
    const mediaType = MEDIA_TYPES[extname(name)];
    if (mediaType === undefined) continue;
    // Vite puts a hash of the content into the name of everything in assets/.
    const isImmutable = name.startsWith('assets/');
    files.set(name, memoryResource(await readFile(join(root, entry)), mediaType, { isImmutable }));
  }
  return files;
}
