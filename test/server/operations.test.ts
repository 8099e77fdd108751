/** What whoever runs the server looks at: health, metrics, log. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Counter, Registry } from 'prom-client';
import { AppError } from '../../src/errors.ts';
import { VIDEO_ID, getJson, playbackOf, rawRequest, resourceOf, startServer } from './support.ts';

test('a server that cannot work lives, and says what it is waiting for', async () => {
  let problem: Error | undefined = new AppError('unavailable', 'the catalog does not answer');
  await using server = await startServer({
    health: {
      ready: async () => {
        if (problem !== undefined) throw problem;
      },
    },
  });
  assert.equal((await fetch(`${server.origin}/healthz`)).status, 200);
  const notReady = await getJson(`${server.origin}/readyz`);
  assert.equal(notReady.status, 503);
  assert.equal(notReady.headers.get('retry-after'), '2');
  assert.deepEqual(
    [notReady.json.code, notReady.json.detail],
    ['unavailable', 'the catalog does not answer'],
  );
  problem = undefined;
  const ready = await getJson(`${server.origin}/readyz`);
  assert.deepEqual([ready.status, ready.json], [200, { status: 'ready' }]);
});

test('metrics count requests by route, never by address, beside those of others', async () => {
  const registry = new Registry();
  new Counter({ name: 'pipeline_chunks_total', help: 'Chunks.', registers: [registry] }).inc(3);
  await using server = await startServer(
    { playback: playbackOf({ 'a.m4s': resourceOf('abc') }) },
    { registry },
  );
  for (const path of [`/v/${VIDEO_ID}/a.m4s`, `/v/${VIDEO_ID}/a.m4s`, `/v/${VIDEO_ID}/b.m4s`, '/nothing']) {
    await rawRequest(server.origin, path);
  }
  const response = await fetch(`${server.origin}/metrics`);
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=/);
  const text = await response.text();
  const countOf = (route: string, status: number) =>
    new RegExp(
      `^sluice_http_request_duration_seconds_count\\{method="GET",route="${RegExp.escape(route)}",status="${status}"\\} (\\d+)$`,
      'm',
    ).exec(text)?.[1];
  assert.equal(countOf('/v/:id/*', 200), '2');
  assert.equal(countOf('/v/:id/*', 404), '1');
  assert.equal(countOf('unmatched', 404), '1');
  assert.match(text, /^sluice_playback_resolve_duration_seconds_count 2$/m);
  assert.match(text, /^pipeline_chunks_total 3$/m);
  assert.match(text, /^process_resident_memory_bytes /m);
  assert.ok(!text.includes(VIDEO_ID));
});

test('the log has a line for each request, without queries and headers', async () => {
  const log: Record<string, unknown>[] = [];
  await using server = await startServer({ playback: playbackOf({ 'a.m4s': resourceOf('abc') }) }, { log });
  const headers = { authorization: 'Bearer secret' };
  await rawRequest(server.origin, `/v/${VIDEO_ID}/a.m4s?token=secret`, { headers });
  await rawRequest(server.origin, '/api/v1/videos?q=secret', { headers });
  await rawRequest(server.origin, '/api/v1/videos?limit=x&q=secret', { headers });
  await sleep(20);
  const requests = log.filter(({ msg }) => msg === 'request');
  assert.deepEqual(
    requests.map(({ level, method, path, status }) => ({ level, method, path, status })),
    [
      { level: 20, method: 'GET', path: `/v/${VIDEO_ID}/a.m4s`, status: 200 },
      { level: 30, method: 'GET', path: '/api/v1/videos', status: 200 },
      { level: 30, method: 'GET', path: '/api/v1/videos', status: 400 },
    ],
  );
  assert.doesNotMatch(JSON.stringify(log), /secret/);
});
