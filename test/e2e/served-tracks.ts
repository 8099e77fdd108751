/** What a running server lists for a video, read from its manifests as a player does, and its segments. */
import assert from 'node:assert/strict';
import { readMpd, readPlaylist, unquote } from '../formats/manifest-readers.ts';

/** One track as a manifest lists it; all addresses absolute. */
export type ServedTrack = {
  readonly id: string;
  readonly kind: 'video' | 'audio';
  /** The media playlist; only in HLS. */
  readonly playlist?: string;
  readonly init: string;
  readonly segments: readonly { readonly url: string; readonly seconds: number }[];
};

/** The tracks of a Multivariant Playlist: variants in their order, each once, then renditions. */
export async function hlsTracks(main: string): Promise<readonly ServedTrack[]> {
  const { variants, media } = readPlaylist(await textOf(main));
  const renditions = media.map((attributes) => unquote(attributes['URI']));
  const entries = [
    // Each is listed once with every group of sounds.
    ...[...new Set(variants.map(({ uri }) => uri))].map((uri) => ({ kind: 'video' as const, uri })),
    ...renditions.map((uri) => ({ kind: 'audio' as const, uri })),
  ];
  return Promise.all(
    entries.map(async ({ kind, uri }) => {
      const playlist = new URL(uri, main).href;
      const read = readPlaylist(await textOf(playlist));
      const urlOf = (reference: string): string => new URL(reference, playlist).href;
      return {
        id: uri.replace('.m3u8', ''),
        kind,
        playlist,
        init: urlOf(unquote(read.map)),
        segments: read.segments.map((reference, index) => ({
          url: urlOf(reference),
          seconds: read.durations[index]!,
        })),
      };
    }),
  );
}

/** The Representations of an MPD that are for playing, in their order. */
export async function dashTracks(manifest: string): Promise<readonly ServedTrack[]> {
  const played = readMpd(await textOf(manifest)).filter(({ trickPlayOf }) => trickPlayOf === undefined);
  return played.map(({ id, timescale, initialization, media, segments }) => ({
    id,
    kind: id.startsWith('a') ? ('audio' as const) : ('video' as const),
    init: new URL(initialization, manifest).href,
    segments: media.map((reference, index) => ({
      url: new URL(reference, manifest).href,
      seconds: segments[index]!.durationTicks / timescale,
    })),
  }));
}

/** A served object; waits and asks again as `Retry-After` says, since an encode on a busy machine takes its time. */
export async function bytesOf(url: string, signal?: AbortSignal): Promise<Uint8Array> {
  for (let attempt = 0; ; attempt++) {
    const answer = await fetch(url, signal === undefined ? {} : { signal });
    if (answer.ok) return new Uint8Array(await answer.arrayBuffer());
    const problem = await answer.text();
    const retryAfter = answer.headers.get('retry-after');
    assert.ok(answer.status === 503 && retryAfter !== null && attempt < 20, `${url}: ${problem}`);
    await new Promise((resolve) => setTimeout(resolve, Number(retryAfter) * 1000));
  }
}

/** Every segment of the tracks, in order, so that what comes after reads only what is stored. */
export async function fetchAll(tracks: readonly ServedTrack[]): Promise<void> {
  await Promise.all(
    tracks.map(async ({ init, segments }) => {
      await bytesOf(init);
      for (const { url } of segments) await bytesOf(url);
    }),
  );
}

async function textOf(url: string): Promise<string> {
  const answer = await fetch(url);
  assert.equal(answer.status, 200, url);
  return answer.text();
}
