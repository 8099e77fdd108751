import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { brotliDecompressSync } from 'node:zlib';
import type { Video } from '../../src/catalog/video.ts';
import { AppError } from '../../src/errors.ts';
import type { Presentation } from '../../src/media/presentation.ts';
import type { Services } from '../../src/pipeline/services.ts';
import { parseVideoId } from '../../src/catalog/video.ts';
import { SETTINGS, VIDEO_ID, getJson, rawRequest, startServer, videoOf, videosOf } from './support.ts';
import { presentation, sourceInfo } from './sintel.ts';

const many = Array.from({ length: 5 }, (_, n) =>
  videoOf({ id: parseVideoId(`vid_${`${9 - n}`.repeat(32)}`), title: `Video ${n}` }),
);

/** The watch address in the answer, or the code of the problem. */
async function watchOf(origin: string, headers: Record<string, string>): Promise<string> {
  const { status, body } = await rawRequest(origin, `/api/v1/videos/${VIDEO_ID}`, { headers });
  const json = JSON.parse(body.toString());
  return status === 200 ? json.playback.watch : json.code;
}

describe('GET /videos/{id}', () => {
  test('before inspection has what is known, and nothing empty in place of the rest', async () => {
    await using server = await startServer({ videos: videosOf([videoOf()]) });
    const { status, json, headers } = await getJson(`${server.origin}/api/v1/videos/${VIDEO_ID}`);
    assert.equal(status, 200);
    assert.equal(headers.get('cache-control'), 'no-store');
    assert.deepEqual(json, {
      id: VIDEO_ID,
      title: 'Sintel',
      description: '',
      status: 'inspecting',
      createdAt: '2026-01-02T03:04:05.678Z',
      updatedAt: '2026-01-02T03:04:06.000Z',
      source: { name: 'films/sintel.mp4', bytes: 1234, origin: 'library' },
      tracks: [],
      captions: [],
      encodedFraction: 0.5,
      visibility: 'public',
      metadata: {},
      playback: {
        watch: `${server.origin}/watch/${VIDEO_ID}`,
        embed: `${server.origin}/embed/${VIDEO_ID}`,
      },
    });
  });

  test('of a playable one has its tracks, its source and its addresses', async () => {
    const video = videoOf({ status: 'playable', content: { kind: 'media', source: sourceInfo } });
    const playback = {
      hls: 'hls/main.m3u8',
      dash: 'dash/manifest.mpd',
      mp4: [{ quality: '480p', path: 'mp4/480p.mp4' }],
      poster: 'pictures/a b#.jpg',
    };
    await using server = await startServer({ videos: videosOf([video], { presentation, playback }) });
    const { json } = await getJson(`${server.origin}/api/v1/videos/${VIDEO_ID}`);
    assert.equal(json.durationSeconds, 8.008);
    assert.deepEqual([json.width, json.height, json.frameRate], [1920, 818, 23.976]);
    assert.deepEqual(json.source, {
      name: 'films/sintel.mp4',
      bytes: 1234,
      origin: 'library',
      container: 'matroska',
      videoCodec: 'h264',
      audioCodecs: ['ac3', 'aac'],
    });
    assert.deepEqual(json.tracks, [
      {
        kind: 'video',
        id: 'v480',
        label: '480p',
        codecs: 'avc1.64001e',
        averageBitsPerSecond: 1_000_000,
        peakBitsPerSecond: 1_500_000,
        width: 1126,
        height: 480,
        frameRate: 23.976,
      },
      {
        kind: 'audio',
        id: 'a1',
        label: 'Stereo',
        codecs: 'mp4a.40.2',
        averageBitsPerSecond: 128_000,
        peakBitsPerSecond: 160_000,
        channels: 2,
        sampleRate: 48_000,
        language: 'en',
        isDefault: true,
      },
    ]);
    assert.equal(json.playback.hls, server.playbackUrl('hls/main.m3u8'));
    assert.equal(json.playback.dash, server.playbackUrl('dash/manifest.mpd'));
    assert.deepEqual(json.playback.mp4, [{ quality: '480p', url: server.playbackUrl('mp4/480p.mp4') }]);
    assert.equal(json.playback.poster, server.playbackUrl('pictures/a%20b%23.jpg'));
  });

  test('of a ready-made package is as large as its best picture', async () => {
    const content: NonNullable<Video['content']> = {
      kind: 'package',
      package: { format: 'hls', root: 'a', entry: 'main.m3u8', files: [], presentation, media: {} },
    };
    const video = videoOf({ status: 'ready', content });
    await using server = await startServer({ videos: videosOf([video], { presentation }) });
    const { json } = await getJson(`${server.origin}/api/v1/videos/${VIDEO_ID}`);
    assert.deepEqual([json.width, json.height, json.frameRate], [1126, 480, 23.976]);
    assert.deepEqual(json.source, {
      name: 'films/sintel.mp4',
      bytes: 1234,
      origin: 'library',
      container: 'hls',
    });
  });

  test('of sound alone has no picture size', async () => {
    const { video: _video, ...sound } = sourceInfo;
    const onlyAudio: Presentation = { tracks: presentation.tracks.slice(1) };
    const video = videoOf({ status: 'ready', content: { kind: 'media', source: sound } });
    await using server = await startServer({ videos: videosOf([video], { presentation: onlyAudio }) });
    const { json } = await getJson(`${server.origin}/api/v1/videos/${VIDEO_ID}`);
    for (const name of ['width', 'height', 'frameRate']) assert.ok(!(name in json), name);
    assert.ok(!('videoCodec' in json.source));
  });

  test('of a failed one says why', async () => {
    const error = { code: 'source_damaged', message: 'the file ends in the middle of its index' } as const;
    await using server = await startServer({ videos: videosOf([videoOf({ status: 'failed', error })]) });
    const { json } = await getJson(`${server.origin}/api/v1/videos/${VIDEO_ID}`);
    assert.deepEqual([json.status, json.error], ['failed', error]);
  });

  test('that is not there, and an id that none can have', async () => {
    await using server = await startServer();
    for (const id of [VIDEO_ID, 'vid_0', '%2e%2e%2f', 'x'.repeat(200)]) {
      const { status, headers, json } = await getJson(`${server.origin}/api/v1/videos/${id}`);
      assert.deepEqual([status, json.code], [404, 'not_found'], id);
      assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/);
    }
  });
});

describe('absolute addresses', () => {
  const videos = videosOf([videoOf()]);

  test('start with the Host that was asked', async () => {
    await using server = await startServer({ videos });
    const watch = await watchOf(server.origin, { host: 'video.example:8443', 'x-forwarded-proto': 'https' });
    assert.equal(watch, `http://video.example:8443/watch/${VIDEO_ID}`);
    for (const host of ['a/b', 'user@a', 'a b', '<script>']) {
      assert.equal(await watchOf(server.origin, { host }), 'invalid_request', host);
    }
  });

  test('believe a proxy only when told to', async () => {
    await using server = await startServer({ videos }, { settings: { ...SETTINGS, trustProxy: true } });
    const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'video.example' };
    assert.equal(await watchOf(server.origin, headers), `https://video.example/watch/${VIDEO_ID}`);
  });

  test('start with the public URL where there is one', async () => {
    const settings = { ...SETTINGS, publicUrl: 'https://video.example/sluice' };
    await using server = await startServer({ videos }, { settings });
    assert.equal(
      await watchOf(server.origin, { host: 'evil.example' }),
      `https://video.example/sluice/watch/${VIDEO_ID}`,
    );
  });
});

describe('GET /videos', () => {
  test('gives pages that together have every video once', async () => {
    await using server = await startServer({ videos: videosOf(many) });
    const titles: string[] = [];
    let cursor: string | undefined;
    do {
      const query = new URLSearchParams({ limit: '2', ...(cursor === undefined ? {} : { cursor }) });
      const { json } = await getJson(`${server.origin}/api/v1/videos?${query}`);
      titles.push(...json.items.map(({ title }: { title: string }) => title));
      cursor = json.nextCursor;
    } while (cursor !== undefined);
    assert.deepEqual(titles, ['Video 0', 'Video 1', 'Video 2', 'Video 3', 'Video 4']);
  });

  test('hands its query on, with what is absent absent', async () => {
    const queries: unknown[] = [];
    const videos: Services['videos'] = {
      ...videosOf([]),
      list: async (query) => {
        queries.push(query);
        return { items: [] };
      },
    };
    await using server = await startServer({ videos });
    await fetch(`${server.origin}/api/v1/videos`);
    await fetch(`${server.origin}/api/v1/videos?limit=200&cursor=c%2B1&status=ready&q=%C3%BC%20%23`);
    assert.deepEqual(queries, [{ limit: 50 }, { limit: 200, cursor: 'c+1', status: 'ready', q: 'ü #' }]);
  });

  test('refuses what its query cannot be, and says which part', async () => {
    await using server = await startServer();
    for (const [query, part] of [
      ['limit=0', 'limit'],
      ['limit=201', 'limit'],
      ['limit=1.5', 'limit'],
      ['limit=many', 'limit'],
      ['limit=1&limit=2', 'limit'],
      ['status=gone', 'status'],
      [`q=${'a'.repeat(201)}`, 'q'],
    ] as const) {
      const { status, json } = await getJson(`${server.origin}/api/v1/videos?${query}`);
      assert.deepEqual([status, json.code], [400, 'invalid_request'], query);
      assert.ok(json.detail.startsWith(`${part}: `), json.detail);
    }
  });

  test('passes on that the catalog refuses a cursor', async () => {
    const videos: Services['videos'] = {
      ...videosOf([]),
      list: async () => {
        throw new AppError('invalid_request', 'the cursor is not one of ours');
      },
    };
    await using server = await startServer({ videos });
    const { status, json } = await getJson(`${server.origin}/api/v1/videos?cursor=x`);
    assert.deepEqual([status, json.detail], [400, 'the cursor is not one of ours']);
  });

  test('is compressed for who can read it', async () => {
    await using server = await startServer({ videos: videosOf(many) });
    const plain = await rawRequest(server.origin, '/api/v1/videos');
    const small = await rawRequest(server.origin, '/api/v1/videos', { headers: { 'accept-encoding': 'br' } });
    assert.deepEqual([plain.headers.vary, small.headers.vary], ['Accept-Encoding', 'Accept-Encoding']);
    assert.equal(small.headers['content-encoding'], 'br');
    assert.equal(small.headers['content-length'], String(small.body.length));
    assert.ok(small.body.length < plain.body.length / 2);
    assert.deepEqual(brotliDecompressSync(small.body), plain.body);
  });

  test('HEAD and other methods', async () => {
    await using server = await startServer({ videos: videosOf(many) });
    const head = await rawRequest(server.origin, '/api/v1/videos', { method: 'HEAD' });
    const get = await rawRequest(server.origin, '/api/v1/videos');
    assert.deepEqual([head.status, head.body.length], [200, 0]);
    assert.equal(head.headers['content-length'], get.headers['content-length']);
    const put = await rawRequest(server.origin, '/api/v1/videos', { method: 'PUT' });
    assert.deepEqual([put.status, put.headers.allow], [405, 'GET, HEAD, OPTIONS, POST']);
    const options = await rawRequest(server.origin, '/api/v1/videos', { method: 'OPTIONS' });
    assert.deepEqual([options.status, options.headers.allow], [204, 'GET, HEAD, OPTIONS, POST']);
  });

  test('is not open to other origins, as playback is', async () => {
    await using server = await startServer();
    const { headers } = await getJson(`${server.origin}/api/v1/videos`, { origin: 'https://a.example' });
    assert.equal(headers.get('access-control-allow-origin'), null);
  });
});
