/** A small presentation of really encoded segments on a loopback address, with a page for each player. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { StoredMedia } from '../../src/formats/format.ts';
import { FORMATS } from '../../src/formats/registry.ts';
import { resolveTrickPlay, trickPlayTracks } from '../../src/formats/trick-play.ts';
import { type Track, initPath, segmentPath, trickPath } from '../../src/media/presentation.ts';
import type { EncodedTrack } from '../encoded-track.ts';

const REVISION = 'r1';

export const PLAYER_LIBRARIES = {
  'hls.js': 'hls.js/dist/hls.js',
  'dash.js': 'dashjs/dist/modern/umd/dash.all.debug.js',
  'shaka.js': 'shaka-player/dist/shaka-player.compiled.debug.js',
} as const;

type Served = { readonly mediaType: string; readonly body: string | Uint8Array };

export type ServedPresentation = AsyncDisposable & {
  /** Of the page, with a `<video>` and the player libraries. */
  readonly origin: string;
  /** Below which the formats' entries are: `${root}hls/main.m3u8`. */
  readonly root: string;
  /** Every path asked for that is not there. */
  readonly missing: string[];
  /** Every path asked for, below `root`. */
  readonly asked: Set<string>;
};

/** What a server of Sluice would hand out for these tracks, and nothing else. */
export async function servePresentation(
  encoded: readonly EncodedTrack<Track>[],
): Promise<ServedPresentation> {
  const objects = new Map<string, Served>([['/', { mediaType: 'text/html', body: page() }]]);
  for (const [name, path] of Object.entries(PLAYER_LIBRARIES)) {
    const file = fileURLToPath(new URL(`../../node_modules/${path}`, import.meta.url));
    objects.set(`/${name}`, { mediaType: 'text/javascript', body: readFileSync(file) });
  }
  const bytesOf = ({ trackId, index }: StoredMedia): Uint8Array => {
    const found = encoded.find(({ track }) => track.id === trackId);
    return (index === 'init' ? found?.init : found?.segments[index]) ?? assert.fail(`${trackId} ${index}`);
  };
  const input = { presentation: { tracks: encoded.map(({ track }) => track) }, revision: REVISION };
  for (const format of FORMATS) {
    for (const path of format.paths(input)) {
      const found = format.resolve(input, path);
      if (found === undefined || found.kind === 'composed') continue;
      const body = found.kind === 'manifest' ? found.text : found.make(found.inputs.map(bytesOf));
      objects.set(`/v/vid/${path}`, { mediaType: found.mediaType, body });
    }
  }
  for (const { track, init, segments } of encoded) {
    const mediaType = `${track.kind}/mp4`;
    objects.set(`/v/vid/${initPath(REVISION, track.id)}`, { mediaType, body: init });
    segments.forEach((body, index) =>
      objects.set(`/v/vid/${segmentPath(REVISION, track.id, index)}`, { mediaType, body }),
    );
  }

  for (const { id, segments } of trickPlayTracks(input.presentation)) {
    const stored = encoded.find(({ track }) => track.id === id)?.segments ?? [];
    for (const { index } of segments) {
      const path = trickPath(REVISION, id, index);
      const derived = resolveTrickPlay(input, path);
      if (derived === undefined) continue;
      objects.set(`/v/vid/${path}`, { mediaType: derived.mediaType, body: derived.make([stored[index]!]) });
    }
  }

  const missing: string[] = [];
  const asked = new Set<string>();
  const server = createServer((request, response) => {
    const found = objects.get(request.url ?? '');
    asked.add((request.url ?? '').replace('/v/vid/', ''));
    if (found === undefined) missing.push(request.url ?? '');
    response.writeHead(found === undefined ? 404 : 200, { 'content-type': found?.mediaType ?? 'text/plain' });
    response.end(found?.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    root: `${origin}/v/vid/`,
    missing,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function page(): string {
  const scripts = Object.keys(PLAYER_LIBRARIES).map((name) => `<script src="/${name}"></script>`);
  return `<!doctype html><link rel="icon" href="data:,"><video muted></video>${scripts.join('')}`;
}
