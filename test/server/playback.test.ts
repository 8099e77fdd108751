import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import * as fc from '../fast-check.ts';
import { AppError, type ErrorCode } from '../../src/errors.ts';
import { VIDEO_ID, patternedBytes, playbackOf, rawRequest, resourceOf, startServer } from './support.ts';

const segment = patternedBytes(5000);
const manifest = '#EXTM3U\n#EXTINF:4,\n0.m4s\n'.repeat(100);
const server = await startServer({
  playback: playbackOf({
    'cmaf/r1/v480/0.m4s': resourceOf(segment, { etag: 'seg', chunkBytes: 700 }),
    'hls/main.m3u8': resourceOf(manifest, {
      mediaType: 'application/vnd.apple.mpegurl',
      isImmutable: false,
      etag: 'man',
    }),
    'empty.vtt': resourceOf('', { mediaType: 'text/vtt' }),
    'hls/moved.m3u8': { redirectTo: "../pkg/Film%20%231%3F%20100%25/%C3%BC%22'.m3u8" },
  }),
});
after(() => server[Symbol.asyncDispose]());

const segmentPath = `/v/${VIDEO_ID}/cmaf/r1/v480/0.m4s`;
const manifestPath = `/v/${VIDEO_ID}/hls/main.m3u8`;
const get = (path: string, headers: Record<string, string> = {}) =>
  rawRequest(server.origin, path, { headers });

describe('a segment', () => {
  test('comes whole, for ever cacheable, readable from everywhere', async () => {
    const { status, headers, body } = await get(segmentPath);
    assert.equal(status, 200);
    assert.deepEqual(new Uint8Array(body), segment);
    assert.equal(headers['content-type'], 'video/iso.segment');
    assert.equal(headers['content-length'], '5000');
    assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable');
    assert.equal(headers.etag, '"seg"');
    assert.equal(headers['accept-ranges'], 'bytes');
    assert.equal(headers['access-control-allow-origin'], '*');
    assert.equal(headers['cross-origin-resource-policy'], 'cross-origin');
    assert.equal(headers['timing-allow-origin'], '*');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.match(headers['server-timing'] as string, /^resolve;dur=\d+\.\d$/);
    assert.match(headers['content-security-policy'] as string, /default-src 'none'.*; sandbox$/);
    const exposed = headers['access-control-expose-headers']?.split(', ');
    for (const name of ['Content-Length', 'Content-Range', 'ETag', 'Date', 'Server-Timing']) {
      assert.ok(exposed?.includes(name), name);
    }
  });

  test('is never compressed', async () => {
    const { headers, body } = await get(segmentPath, { 'accept-encoding': 'br, gzip' });
    assert.equal(headers['content-encoding'], undefined);
    assert.equal(headers.vary, undefined);
    assert.equal(body.length, 5000);
  });

  test('HEAD has the header fields of GET, ignores Range, and has no body', async () => {
    const whole = await get(segmentPath);
    const { status, headers, body } = await rawRequest(server.origin, segmentPath, {
      method: 'HEAD',
      headers: { range: 'bytes=0-1' },
    });
    assert.equal(status, 200);
    assert.equal(body.length, 0);
    const comparable = { ...headers, date: '', 'server-timing': '' };
    assert.deepEqual(comparable, { ...whole.headers, date: '', 'server-timing': '' });
  });

  test('one range', async () => {
    const { status, headers, body } = await get(segmentPath, { range: 'bytes=1000-2999' });
    assert.equal(status, 206);
    assert.equal(headers['content-range'], 'bytes 1000-2999/5000');
    assert.equal(headers['content-length'], '2000');
    assert.equal(headers['content-type'], 'video/iso.segment');
    assert.deepEqual(new Uint8Array(body), segment.subarray(1000, 3000));
  });

  test('a range beyond the end is a problem that says where the end is', async () => {
    const { status, headers, body } = await get(segmentPath, { range: 'bytes=5000-' });
    assert.equal(status, 416);
    assert.equal(headers['content-range'], 'bytes */5000');
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers['access-control-allow-origin'], '*');
    assert.equal(headers.etag, undefined);
    assert.equal(JSON.parse(body.toString()).code, 'range_not_satisfiable');
  });

  test('If-Range: a range of the named version only', async () => {
    const range = 'bytes=0-9';
    assert.equal((await get(segmentPath, { range, 'if-range': '"seg"' })).status, 206);
    for (const other of ['"old"', 'W/"seg"', 'Sun, 22 Nov 2026 21:55:55 GMT']) {
      const { status, body } = await get(segmentPath, { range, 'if-range': other });
      assert.deepEqual([status, body.length], [200, 5000], other);
    }
  });

  test('a condition comes before a range', async () => {
    const { status } = await get(segmentPath, { range: 'bytes=9999-', 'if-none-match': '"seg"' });
    assert.equal(status, 304);
  });

  test('304 has no body and keeps what a cache needs', async () => {
    for (const tags of ['"seg"', 'W/"seg"', '"a", "seg"', '*']) {
      const { status, headers, body } = await get(segmentPath, { 'if-none-match': tags });
      assert.deepEqual([status, body.length], [304, 0], tags);
      assert.equal(headers.etag, '"seg"');
      assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable');
      assert.equal(headers['access-control-allow-origin'], '*');
      assert.equal(headers['content-type'], undefined);
    }
    assert.equal((await get(segmentPath, { 'if-none-match': '"other"' })).status, 200);
  });

  test('If-Match of another version is refused', async () => {
    const { status, body } = await get(segmentPath, { 'if-match': '"other"' });
    assert.deepEqual([status, JSON.parse(body.toString()).code], [412, 'precondition_failed']);
    assert.equal((await get(segmentPath, { 'if-match': '"seg"' })).status, 200);
  });
});

test('any set of ranges gives the bytes that slicing gives', async () => {
  const offset = fc.nat(5600);
  const spec = fc.oneof(
    fc.tuple(offset, offset).map(([a, b]) => ({
      text: `${Math.min(a, b)}-${Math.max(a, b)}`,
      from: Math.min(a, b),
      to: Math.max(a, b) + 1,
    })),
    offset.map((from) => ({ text: `${from}-`, from, to: 5000 })),
    offset.map((length) => ({ text: `-${length}`, from: Math.max(0, 5000 - length), to: 5000 })),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(spec, { minLength: 1, maxLength: 5 }), async (specs) => {
      const slices = specs.map(({ from, to }) => segment.slice(from, to)).filter((slice) => slice.length > 0);
      const total = slices.reduce((sum, slice) => sum + slice.length, 0);
      const answer = await get(segmentPath, { range: `bytes=${specs.map(({ text }) => text).join(', ')}` });

      assert.equal(answer.headers['content-length'], String(answer.body.length));
      if (slices.length === 0) return assert.equal(answer.status, 416);
      if (slices.length > 1 && total > 5000) return assert.deepEqual(new Uint8Array(answer.body), segment);
      assert.equal(answer.status, 206);
      const bodies = slices.length === 1 ? [answer.body] : partsOf(answer);
      assert.deepEqual(
        bodies.map((body) => new Uint8Array(body)),
        slices,
      );
    }),
    { numRuns: 150 },
  );
});

test('each part of a multipart answer says what it is', async () => {
  const answer = await get(segmentPath, { range: 'bytes=0-1,-2' });
  assert.equal(answer.headers['content-range'], undefined);
  const heads = answer.body.toString('latin1').match(/Content-[^\r]*/g);
  assert.deepEqual(heads, [
    'Content-Type: video/iso.segment',
    'Content-Range: bytes 0-1/5000',
    'Content-Type: video/iso.segment',
    'Content-Range: bytes 4998-4999/5000',
  ]);
});

/** The bodies in a multipart/byteranges answer, by the grammar of RFC 2046 5.1.1. */
function partsOf({ headers, body }: Awaited<ReturnType<typeof get>>): Buffer[] {
  const boundary = /boundary=(.+)$/.exec(headers['content-type'] ?? '')?.[1];
  const pieces = body.toString('latin1').split(`\r\n--${boundary}`);
  assert.equal(pieces.shift(), '');
  assert.equal(pieces.pop(), '--\r\n');
  return pieces.map((piece) => Buffer.from(piece.slice(piece.indexOf('\r\n\r\n') + 4), 'latin1'));
}

describe('a manifest', () => {
  test('is revalidated each time', async () => {
    const { headers, body } = await get(manifestPath);
    assert.equal(body.toString(), manifest);
    assert.equal(headers['cache-control'], 'no-cache');
    assert.equal(headers.etag, '"man"');
    assert.equal(headers.vary, 'Accept-Encoding');
    assert.equal(headers['content-encoding'], undefined);
  });

  for (const [coding, decode] of [
    ['br', brotliDecompressSync],
    ['gzip', gunzipSync],
  ] as const) {
    test(`in ${coding} has a tag of its own, and HEAD and 304 agree`, async () => {
      const accept = { 'accept-encoding': coding };
      const { headers, body } = await get(manifestPath, accept);
      assert.equal(headers['content-encoding'], coding);
      assert.equal(headers['content-length'], String(body.length));
      assert.equal(headers.vary, 'Accept-Encoding');
      assert.equal(headers.etag, `W/"man-${coding}"`);
      assert.ok(body.length < manifest.length / 4);
      assert.equal(decode(body).toString(), manifest);

      const head = await rawRequest(server.origin, manifestPath, { method: 'HEAD', headers: accept });
      assert.equal(head.headers['content-length'], headers['content-length']);
      assert.equal(head.headers.etag, headers.etag);
      assert.equal(head.body.length, 0);

      const again = await get(manifestPath, { ...accept, 'if-none-match': headers.etag });
      assert.deepEqual(
        [again.status, again.headers.etag, again.headers.vary],
        [304, headers.etag, headers.vary],
      );
      assert.equal((await get(manifestPath, { ...accept, 'if-none-match': '"man"' })).status, 200);
    });
  }

  test('a range counts in uncompressed bytes', async () => {
    const { status, headers, body } = await get(manifestPath, {
      'accept-encoding': 'br',
      range: 'bytes=0-6',
    });
    assert.deepEqual([status, body.toString(), headers['content-encoding']], [206, '#EXTM3U', undefined]);
    assert.equal(headers.etag, '"man"');
  });
});

test('a resource without bytes', async () => {
  const { status, headers, body } = await get(`/v/${VIDEO_ID}/empty.vtt`);
  assert.deepEqual([status, headers['content-length'], body.length], [200, '0', 0]);
});

test('a redirect is relative, encoded once, and looked up each time', async () => {
  for (const method of ['GET', 'HEAD']) {
    const { status, headers, body } = await rawRequest(server.origin, `/v/${VIDEO_ID}/hls/moved.m3u8`, {
      method,
    });
    assert.equal(status, 307);
    const { location } = headers;
    assert.equal(location, "../pkg/Film%20%231%3F%20100%25/%C3%BC%22'.m3u8");
    assert.equal(
      decodeURIComponent(new URL(location ?? '', server.playbackUrl('hls/moved.m3u8')).pathname),
      `/v/${VIDEO_ID}/pkg/Film #1? 100%/ü"'.m3u8`,
    );
    assert.equal(headers['cache-control'], 'no-cache');
    assert.equal(headers['access-control-allow-origin'], '*');
    assert.deepEqual([headers['content-length'], body.length], ['0', 0]);
  }
});

test('a preflight is granted without asking the pipeline', async () => {
  const { status, headers, body } = await rawRequest(server.origin, `/v/${VIDEO_ID}/nothing`, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://a.example',
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'range',
    },
  });
  assert.equal(status, 204);
  assert.equal(body.length, 0);
  assert.equal(headers['access-control-allow-origin'], '*');
  assert.match(headers['access-control-allow-methods'] ?? '', /\bGET\b.*\bHEAD\b/);
  assert.match(headers['access-control-allow-headers'] ?? '', /\bRange\b/);
  assert.equal(headers['access-control-max-age'], '86400');
});

describe('problems', () => {
  test('another method is refused with the ones there are', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const { status, headers, body } = await rawRequest(server.origin, segmentPath, { method });
      assert.deepEqual([status, headers.allow], [405, 'GET, HEAD, OPTIONS'], method);
      assert.equal(headers['access-control-allow-origin'], '*');
      assert.equal(JSON.parse(body.toString()).code, 'method_not_allowed');
    }
  });

  test('what is not there', async () => {
    for (const path of [
      `/v/${VIDEO_ID}/nothing`,
      `/v/${VIDEO_ID}/`,
      '/v/vid_0/hls/main.m3u8',
      `/v/${VIDEO_ID}`,
    ]) {
      const { status, headers, body } = await get(path);
      assert.equal(status, 404, path);
      assert.match(headers['content-type'] ?? '', /^application\/problem\+json/);
      assert.equal(headers['access-control-allow-origin'], '*');
      assert.equal(headers['cache-control'], 'no-store');
      const problem = JSON.parse(body.toString());
      assert.deepEqual(
        [problem.type, problem.status, problem.code, problem.instance],
        ['urn:sluice:problem:not_found', 404, 'not_found', path],
      );
      assert.ok(problem.title !== '' && problem.detail !== '');
    }
  });

  for (const [code, status, retryAfter] of [
    ['not_ready', 503, '2'],
    ['unavailable', 503, '2'],
    ['gone', 410, undefined],
    ['source_damaged', 422, undefined],
  ] as [ErrorCode, number, string | undefined][]) {
    test(`${code} is ${status}`, async () => {
      await using failing = await startServer({
        playback: {
          resolve: async () => {
            throw new AppError(code, 'because');
          },
        },
      });
      const answer = await rawRequest(failing.origin, `${segmentPath}?token=secret`);
      assert.equal(answer.status, status);
      assert.equal(answer.headers['retry-after'], retryAfter);
      assert.equal(answer.headers['cache-control'], 'no-store');
      assert.equal(answer.headers['access-control-allow-origin'], '*');
      const { detail, instance } = JSON.parse(answer.body.toString());
      assert.deepEqual([detail, instance], ['because', segmentPath]);
    });
  }

  test('an unexpected error is logged, and answered without its details', async () => {
    const log: Record<string, unknown>[] = [];
    await using failing = await startServer(
      { playback: { resolve: async () => Promise.reject(new Error('password is hunter2')) } },
      { log },
    );
    const { status, body } = await rawRequest(failing.origin, segmentPath);
    assert.equal(status, 500);
    assert.equal(JSON.parse(body.toString()).code, 'internal');
    assert.doesNotMatch(body.toString(), /hunter2|\.ts:/);
    assert.ok(log.some(({ level, err }) => level === 50 && JSON.stringify(err).includes('hunter2')));
  });

  test('a type that no header field can carry', async () => {
    const resource = resourceOf('abc'.repeat(1000), { mediaType: 'text/plain\r\nX-Evil: 1' });
    await using failing = await startServer({ playback: playbackOf({ a: resource }) });
    const { status, headers } = await rawRequest(failing.origin, `/v/${VIDEO_ID}/a`, { method: 'HEAD' });
    assert.deepEqual([status, headers['x-evil']], [500, undefined]);
  });

  test('an open that fails is a problem, with nothing of the resource around it', async () => {
    await using failing = await startServer({
      playback: playbackOf({
        'a.m4s': resourceOf('abc', {
          open: async () => Promise.reject(new AppError('object_store_failed', 'the disk does not answer')),
        }),
      }),
    });
    const { status, headers } = await rawRequest(failing.origin, `/v/${VIDEO_ID}/a.m4s`);
    assert.equal(status, 503);
    assert.deepEqual([headers.etag, headers['cache-control']], [undefined, 'no-store']);
    assert.equal(headers['accept-ranges'], undefined);
  });
});
