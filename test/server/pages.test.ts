import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { SETTINGS, VIDEO_ID, type TestServer, rawRequest, startServer } from './support.ts';

const PAGES = ['/', `/watch/${VIDEO_ID}`, `/embed/${VIDEO_ID}`];

describe('built pages', () => {
  let folder: string;
  let server: TestServer;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-pages-'));
    await mkdir(join(folder, 'web/assets'), { recursive: true });
    await writeFile(join(folder, 'secret.txt'), 'secret');
    await writeFile(join(folder, 'web/index.html'), '<!doctype html><title>Sluice</title>');
    await writeFile(join(folder, 'web/favicon.svg'), '<svg/>');
    await writeFile(join(folder, 'web/assets/index-1a2b.js'), 'export const n = 1;\n'.repeat(100));
    const settings = { ...SETTINGS, webRoot: join(folder, 'web'), publicUrl: 'https://video.example/sluice' };
    server = await startServer({}, { settings });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  test('are one document, revalidated', async () => {
    for (const path of PAGES) {
      const get = await rawRequest(server.origin, path);
      assert.equal(get.status, 200, path);
      assert.equal(get.body.toString(), '<!doctype html><title>Sluice</title>');
      assert.equal(get.headers['content-type'], 'text/html; charset=utf-8');
      assert.equal(get.headers['cache-control'], 'no-cache');
      const head = await rawRequest(server.origin, path, { method: 'HEAD' });
      assert.deepEqual([head.status, head.body.length, head.headers.etag], [200, 0, get.headers.etag]);
      const again = await rawRequest(server.origin, path, {
        headers: { 'if-none-match': get.headers.etag ?? '' },
      });
      assert.equal(again.status, 304);
    }
  });

  test('let players work and nothing foreign in; only the embedded one may be framed', async () => {
    for (const path of PAGES) {
      const { headers } = await rawRequest(server.origin, path);
      const policy = new Map(
        String(headers['content-security-policy'])
          .split('; ')
          .map((rule) => [rule.split(' ')[0], rule.split(' ').slice(1)]),
      );
      assert.deepEqual(policy.get('default-src'), ["'none'"]);
      assert.deepEqual(policy.get('script-src'), ["'self'"]);
      assert.deepEqual(policy.get('worker-src'), ["'self'", 'blob:']);
      assert.deepEqual(policy.get('media-src'), ["'self'", 'https://video.example', 'blob:', 'data:']);
      assert.deepEqual(policy.get('connect-src'), ["'self'", 'https://video.example']);
      assert.deepEqual(policy.get('frame-ancestors'), [path.startsWith('/embed/') ? '*' : "'self'"]);
    }
  });

  test('have hashed files that are kept for ever, and others that are not', async () => {
    const asset = await rawRequest(server.origin, '/assets/index-1a2b.js', {
      headers: { 'accept-encoding': 'br' },
    });
    assert.equal(asset.headers['cache-control'], 'public, max-age=31536000, immutable');
    assert.equal(asset.headers['content-type'], 'text/javascript; charset=utf-8');
    assert.equal(asset.headers['content-encoding'], 'br');
    assert.equal(asset.headers['x-content-type-options'], 'nosniff');
    for (const path of ['/favicon.svg', '/favicon.ico']) {
      const icon = await rawRequest(server.origin, path);
      assert.deepEqual(
        [icon.status, icon.headers['content-type'], icon.headers['cache-control']],
        [200, 'image/svg+xml', 'no-cache'],
      );
    }
  });

  test('are all there is: no other file, no other method', async () => {
    for (const path of [
      '/secret.txt',
      '/../secret.txt',
      '/%2e%2e/secret.txt',
      '/assets/..%2f..%2fsecret.txt',
      '/assets/',
      '/assets/x.js',
    ]) {
      assert.equal((await rawRequest(server.origin, path)).status, 404, path);
    }
    const { status, headers } = await rawRequest(server.origin, '/', { method: 'POST' });
    assert.deepEqual([status, headers.allow], [405, 'GET, HEAD, OPTIONS']);
  });
});

test('pages that were not built say how to build them', async () => {
  for (const webRoot of [undefined, join(tmpdir(), 'sluice-no-such-folder')]) {
    await using server = await startServer({}, { settings: { ...SETTINGS, webRoot } });
    for (const path of PAGES) {
      const { status, headers, body } = await rawRequest(server.origin, path);
      assert.equal(status, 503);
      assert.equal(headers['content-type'], 'text/plain; charset=utf-8');
      assert.match(body.toString(), /npm run web:build/);
    }
  }
});
