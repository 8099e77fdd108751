/** The whole program on buckets of a real S3 server: a library, uploads, redirects, a server that comes back. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { requireTool } from '../tools.ts';
import { type FaultyProxy, startFaultyProxy } from '../storage/faulty-proxy.ts';
import { type S3Server, s3ServerSkip, startS3Server } from '../storage/s3-server.ts';
import { makePackage, SOURCE } from '../readers/ffmpeg-package.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';
import { type ApiVideo, type RealServer, startServer, until } from './real-server.ts';
import { bytesOf } from './served-tracks.ts';

const ffmpeg = requireTool('ffmpeg');
const ffprobe = requireTool('ffprobe');
const READY_MS = 90_000;

describe('on buckets', { skip: s3ServerSkip() || ffmpeg.skip || ffprobe.skip }, () => {
  let s3: S3Server;
  /** Before it. */
  let proxy: FaultyProxy;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let environment: Record<string, string>;
  let film: string;

  before(async () => {
    s3 = await startS3Server();
    proxy = await startFaultyProxy(s3.endpoint);
    folder = await temporaryFolder();
    const { credentials } = await s3.bucket('library');
    await s3.bucket('store');
    film = join(folder.path, 'film.mp4');
    const source = `-v error -f lavfi -i testsrc2=size=320x180:rate=25:duration=9 -f lavfi -i sine=duration=9
      -c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac`;
    execFileSync(ffmpeg.path, [...source.trim().split(/\s+/), film]);
    const library = join(s3.folder, 'library', 'films');
    mkdirSync(library);
    copyFileSync(film, join(library, 'in a bucket.mp4'));
    makePackage(ffmpeg, join(library, 'ready'), '-f hls -hls_time 2 -hls_playlist_type vod main.m3u8');
    environment = {
      SLUICE_STORE: 's3://store/sluice',
      SLUICE_LIBRARY: 's3://library/films',
      SLUICE_LIBRARY_POLL_SECONDS: '1',
      AWS_ENDPOINT_URL_S3: proxy.endpoint,
      AWS_ACCESS_KEY_ID: credentials!.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials!.secretAccessKey,
      SLUICE_ENCODE: 'eager',
    };
  });
  after(async () => {
    await proxy[Symbol.asyncDispose]();
    await s3[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const start = (more: Readonly<Record<string, string>> = {}): Promise<RealServer> =>
    startServer({ library: '', data: join(folder.path, 'data') }, { ...environment, ...more });

  test('plays what lies in a bucket, takes uploads into one, and goes on after a crash', async () => {
    let uploadUrl: string;
    const bytes = await readFile(film);
    const half = Math.floor(bytes.length / 2);
    {
      await using server = await start();
      const inBucket = await server.video('in a bucket.mp4');
      assert.equal(await frames(inBucket.playback.hls!), 225);
      await countRequests(await segmentOf(inBucket, 1), proxy);
      const ready = await server.video('ready/main.m3u8');
      assert.equal(await frames(ready.playback.hls!), SOURCE.frames);
      copyFileSync(film, join(s3.folder, 'library', 'films', 'came later.mp4'));
      assert.equal((await server.video('came later.mp4')).status, 'playable');

      uploadUrl = await createUpload(server, bytes.length);
      assert.equal(await patch(uploadUrl, 0, bytes.subarray(0, half)), half);
      await server.stop('SIGKILL');
    }
    await using server = await start({ SLUICE_MEDIA_REDIRECT: 'presigned' });
    const url = new URL(new URL(uploadUrl).pathname, server.url).href;
    const head = await fetch(url, { method: 'HEAD', headers: { 'Tus-Resumable': '1.0.0' } });
    assert.equal(Number(head.headers.get('Upload-Offset')), half);
    assert.equal(await patch(url, half, bytes.subarray(half)), bytes.length);
    const uploaded = await until('the upload is ready', READY_MS, async () => {
      const found = (await server.videos()).find((video) => video.source.name === 'uploaded.mp4');
      return found?.status === 'ready' ? found : undefined;
    });
    assert.deepEqual(readdirSync(join(s3.folder, 'store', 'sluice', 'sources')), [uploaded.id]);

    const segment = await segmentOf(uploaded, 0);
    const redirect = await fetch(segment, { redirect: 'manual' });
    assert.equal(redirect.status, 307);
    assert.match(redirect.headers.get('Cache-Control') ?? '', /^public, max-age=\d+$/);
    assert.equal(redirect.headers.get('Access-Control-Allow-Origin'), '*');
    const location = redirect.headers.get('Location')!;
    assert.ok(location.startsWith(`${proxy.endpoint}/store/sluice/segments/${uploaded.id}/`));
    const direct = await fetch(location);
    assert.equal(direct.status, 200);
    assert.equal(direct.headers.get('Content-Type'), 'video/iso.segment');
    assert.equal(direct.headers.get('Cache-Control'), 'public, max-age=31536000, immutable');
    assert.equal(await frames(uploaded.playback.hls!), 225);

    await fetch(`${server.url}/api/v1/videos/${uploaded.id}`, { method: 'DELETE' });
    await until('nothing is left of a deleted video', READY_MS, () => {
      const left = readdirSync(join(s3.folder, 'store'), { recursive: true });
      return left.some((name) => String(name).includes(uploaded.id)) ? undefined : true;
    });
  });

  test('a private video is never sent elsewhere', async () => {
    await using server = await start({ SLUICE_MEDIA_REDIRECT: 'https://cdn.example/media' });
    const video = await server.video('in a bucket.mp4');
    const segment = await segmentOf(video, 1);
    // Where it is not stored yet, it is encoded and sent from here.
    await (await fetch(segment, { redirect: 'manual' })).arrayBuffer();
    const away = await fetch(segment, { redirect: 'manual' });
    assert.match(away.headers.get('Location') ?? '', /^https:\/\/cdn\.example\/media\/library\/vid_/);
    const change = await fetch(`${server.url}/api/v1/videos/${video.id}`, {
      method: 'PATCH',
      headers: { 'Content-Type': 'application/merge-patch+json' },
      body: JSON.stringify({ visibility: 'private' }),
    });
    assert.equal(change.status, 200);
    assert.equal((await fetch(segment, { redirect: 'manual' })).status, 200);
  });

  test('a bucket that is not there stops the start with one line', async () => {
    await assert.rejects(start({ SLUICE_STORE: 's3://no-such-bucket' }), (error) => {
      assert.ok(error instanceof Error);
      assert.match(error.message, /sluice: cannot use the bucket no-such-bucket: .* no such bucket/);
      assert.doesNotMatch(error.message, /\n\s+at /);
      return true;
    });
  });
});

/** A stored segment costs one request to the bucket, whatever a viewer usually asks for. */
async function countRequests(url: string, { seen }: FaultyProxy): Promise<void> {
  const [, id, track, name] = /\/v\/([^/]+)\/cmaf\/[^/]+\/([^/]+)\/([^/]+)$/.exec(url)!;
  const isAsked = (path: string): boolean => path.includes(`/${id}/`) && path.endsWith(`/${track}/${name}`);
  const whole = Buffer.from(await bytesOf(url));
  const etag = (await fetch(url, { method: 'HEAD' })).headers.get('ETag')!;
  const cases: readonly [method: string, headers: Record<string, string>, status: number, made: string[]][] =
    [
      ['GET', {}, 200, ['GET']],
      ['HEAD', {}, 200, ['HEAD']],
      ['GET', { Range: 'bytes=10-19' }, 206, ['GET']],
      ['GET', { Range: 'bytes=10-' }, 206, ['GET']],
      ['GET', { 'If-None-Match': etag }, 304, ['HEAD']],
      ['GET', { Range: 'bytes=10-19', 'If-Range': etag }, 206, ['HEAD', 'GET']],
      ['GET', { Range: 'bytes=-10' }, 206, ['HEAD', 'GET']],
      ['GET', { Range: `bytes=${whole.length}-` }, 416, ['GET', 'HEAD']],
    ];
  for (const [method, headers, status, made] of cases) {
    const askedBefore = seen.length;
    const answer = await fetch(url, { method, headers });
    const body = Buffer.from(await answer.arrayBuffer());
    const about = `${method} ${JSON.stringify(headers)}`;
    assert.equal(answer.status, status, about);
    const [, start = '0', end] = /^bytes (\d+)-(\d+)/.exec(answer.headers.get('Content-Range') ?? '') ?? [];
    if (answer.ok && method === 'GET')
      assert.ok(body.equals(whole.subarray(Number(start), Number(end ?? whole.length) + 1)), about);
    const asked = seen.slice(askedBefore).filter(({ path }) => isAsked(path));
    assert.deepEqual(
      asked.map((request) => request.method),
      made,
      about,
    );
  }
}

async function createUpload(server: RealServer, bytes: number): Promise<string> {
  const answer = await fetch(`${server.url}/api/v1/uploads`, {
    method: 'POST',
    headers: {
      'Tus-Resumable': '1.0.0',
      'Upload-Length': `${bytes}`,
      'Upload-Metadata': `filename ${Buffer.from('uploaded.mp4').toString('base64')}`,
    },
  });
  assert.equal(answer.status, 201);
  return new URL(answer.headers.get('Location')!, server.url).href;
}

/** The offset afterwards. */
async function patch(url: string, offset: number, body: Uint8Array): Promise<number> {
  const answer = await fetch(url, {
    method: 'PATCH',
    headers: {
      'Tus-Resumable': '1.0.0',
      'Upload-Offset': `${offset}`,
      'Content-Type': 'application/offset+octet-stream',
    },
    body: Buffer.from(body),
  });
  assert.equal(answer.status, 204, await answer.text());
  return Number(answer.headers.get('Upload-Offset'));
}

/** The address of a segment of the picture. */
async function segmentOf(video: ApiVideo, index: number): Promise<string> {
  const main = await (await fetch(video.playback.hls!)).text();
  const playlist = new URL(main.split('\n').find((line) => /^v\d+p?\.m3u8/.test(line))!, video.playback.hls!);
  const segments = (await (await fetch(playlist)).text()).split('\n').filter((line) => line.endsWith('.m4s'));
  return new URL(segments[index]!, playlist).href;
}

/** What FFmpeg decodes of the picture. This process goes on meanwhile: it is the proxy, too. */
async function frames(url: string): Promise<number> {
  const entries =
    '-v error -count_frames -select_streams v:0 -show_entries stream=nb_read_frames -of csv=p=0';
  const { stdout } = await promisify(execFile)(ffprobe.path, [...entries.split(' '), url]);
  return Number(stdout.split('\n')[0]?.replace(/\D/g, ''));
}
