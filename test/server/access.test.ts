/** Who may change something, with and without an API key. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callJson, startRealCatalog } from './real-catalog.ts';
import { getJson, rawRequest, startServer, VIDEO_ID } from './support.ts';

const KEY = 'a-long-key-0123456789';
const ID_PATH = `/api/v1/videos/${VIDEO_ID}`;
/** Every changing call, and one that there is not. */
const CHANGES = [
  ['PATCH', ID_PATH],
  ['DELETE', ID_PATH],
  ['POST', '/api/v1/videos'],
  ['POST', '/api/v1/uploads'],
  ['PATCH', '/api/v1/uploads/0'],
  ['DELETE', '/api/v1/uploads/0'],
  ['PUT', '/api/v1/nothing'],
] as const;

test('with a key, whoever does not show it changes nothing', async () => {
  await using server = await startRealCatalog({ apiKey: KEY });
  for (const [method, path] of CHANGES) {
    for (const [authorization, challenge] of [
      [undefined, 'Bearer realm="sluice"'],
      ['', 'Bearer realm="sluice"'],
      [KEY, 'Bearer realm="sluice"'],
      [`Basic ${btoa(`:${KEY}`)}`, 'Bearer realm="sluice"'],
      [`Bearer ${KEY}x`, 'Bearer realm="sluice", error="invalid_token"'],
      [`Bearer ${KEY.slice(1)}`, 'Bearer realm="sluice", error="invalid_token"'],
    ] as const) {
      const headers = authorization === undefined ? {} : { authorization };
      const { status, headers: answered, body } = await rawRequest(server.origin, path, { method, headers });
      const what = `${method} ${path} ${authorization}`;
      assert.deepEqual([status, JSON.parse(body.toString()).code], [401, 'unauthorized'], what);
      assert.equal(answered['www-authenticate'], challenge, what);
      assert.ok(!body.includes(KEY));
    }
  }
  const { status, json } = await getJson(server.videoUrl);
  assert.deepEqual([status, json.title], [200, 'Sintel']);
});

test('with a key, whoever shows it does, from anywhere', async () => {
  await using server = await startRealCatalog({ apiKey: KEY });
  for (const headers of [
    { authorization: `Bearer ${KEY}` },
    { authorization: `bearer  ${KEY}`, origin: 'https://other.example' },
  ]) {
    const { status } = await callJson(server.videoUrl, 'PATCH', { title: 'New' }, headers);
    assert.equal(status, 200);
  }
  const { status, headers } = await callJson(server.videoUrl, 'DELETE', undefined, {
    authorization: `Bearer ${KEY}`,
  });
  assert.deepEqual([status, headers.get('www-authenticate')], [204, null]);
});

test('with a key, everyone may still read', async () => {
  await using server = await startRealCatalog({ apiKey: KEY });
  for (const path of [
    '/api/v1/videos',
    ID_PATH,
    `${ID_PATH}/segments`,
    '/api/v1/openapi.json',
    '/docs',
    '/healthz',
  ]) {
    assert.equal((await fetch(server.origin + path)).status, 200, path);
  }
  for (const path of [`${ID_PATH}/events`, '/api/v1/events']) {
    assert.equal((await rawRequest(server.origin, path, { method: 'HEAD' })).status, 200, path);
  }
  assert.equal((await rawRequest(server.origin, '/api/v1/videos', { method: 'OPTIONS' })).status, 204);
});

test('the body of a refused call is not waited for', async () => {
  await using server = await startServer(
    {},
    { settings: { logLevel: 'silent', webRoot: undefined, version: '1', apiKey: KEY } },
  );
  // Promises a gibibyte and never sends it.
  const headers = { 'content-length': `${2 ** 30}`, 'content-type': 'multipart/form-data; boundary=x' };
  const client = new AbortController();
  const answer = await fetch(`${server.origin}/api/v1/videos`, {
    method: 'POST',
    headers,
    body: new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1000)) }),
    duplex: 'half',
    signal: AbortSignal.any([client.signal, AbortSignal.timeout(5000)]),
  });
  assert.equal(answer.status, 401);
  client.abort();
});

test('without a key, a page of another site changes nothing', async () => {
  await using server = await startRealCatalog({ publicUrl: 'https://video.example/sluice' });
  const { host } = new URL(server.origin);
  const send = async (headers: Record<string, string>) =>
    (await rawRequest(server.origin, '/api/v1/videos/vid_0', { method: 'DELETE', headers })).status;
  for (const headers of [
    { origin: 'https://evil.example' },
    { origin: `http://evil.${host}` },
    { origin: 'http://127.0.0.1:1' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
  ]) {
    assert.equal(await send(headers), 403, JSON.stringify(headers));
  }
  for (const headers of [
    {},
    { origin: server.origin },
    { origin: `https://${host}` },
    { origin: 'https://video.example' },
    { 'sec-fetch-site': 'same-origin', origin: 'https://rewritten.example' },
    { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': 'cross-site', origin: 'https://video.example' },
  ]) {
    assert.equal(await send(headers), 404, JSON.stringify(headers));
  }
  const read = await rawRequest(server.origin, ID_PATH, { headers: { origin: 'https://evil.example' } });
  assert.equal(read.status, 200);
  assert.equal(read.headers['access-control-allow-origin'], undefined);
});
