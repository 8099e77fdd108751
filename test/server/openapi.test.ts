import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { VIDEO_EXAMPLE } from '../../src/server/video-example.ts';
import { openEvents } from './event-reader.ts';
import { callJson, startRealCatalog } from './real-catalog.ts';
import { presentation, sourceInfo } from './sintel.ts';
import {
  type TestServer,
  VIDEO_ID,
  getJson,
  playbackOf,
  rawRequest,
  resourceOf,
  startServer,
  videoOf,
  videosOf,
} from './support.ts';

type Operation = {
  operationId: string;
  tags: string[];
  summary: string;
  security?: object[];
  requestBody?: { content: Record<string, { schema: object }> };
  responses: Record<string, Response_>;
};
type Response_ = { description: string; content?: Record<string, object> };

/** A method that a path does not have. */
function methodNotOf(item: object): string {
  return 'put' in item ? 'PATCH' : 'PUT';
}

describe('the API description', () => {
  let server: TestServer;
  let document: {
    openapi: string;
    info: { version: string };
    paths: Record<string, Record<string, Operation>>;
  };
  let schema: (name: string) => ValidateFunction;

  before(async () => {
    const videos = [
      videoOf({ status: 'playable', content: { kind: 'media', source: sourceInfo } }),
      videoOf({ status: 'failed', error: { code: 'source_damaged', message: 'broken' } }),
    ];
    server = await startServer({
      videos: videosOf(videos, { presentation, playback: { hls: 'hls/main.m3u8' } }),
      playback: playbackOf({ 'hls/main.m3u8': resourceOf('#EXTM3U') }),
    });
    document = (await getJson(`${server.origin}/api/v1/openapi.json`)).json;
    const ajv = new Ajv2020({ strict: false });
    formats.default(ajv);
    ajv.addSchema(document, 'openapi');
    schema = (name) => {
      const validate = ajv.getSchema(`openapi#/components/schemas/${name}`);
      assert.ok(validate, name);
      return validate;
    };
  });
  after(() => server[Symbol.asyncDispose]());

  const assertFits = (name: string, value: unknown) => {
    const validate = schema(name);
    assert.ok(validate(value), JSON.stringify(validate.errors));
  };

  test('is valid OpenAPI 3.1', async () => {
    const validator = new Validator();
    const result = await validator.validate(structuredClone(document));
    assert.deepEqual(result.errors, undefined);
    assert.equal(validator.version, '3.1');
    assert.equal(document.info.version, '1.2.3');
  });

  test('names and explains every operation', () => {
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
    assert.ok(operations.length >= 10);
    const ids = operations.map(({ operationId }) => operationId);
    assert.equal(new Set(ids).size, ids.length);
    for (const { operationId, tags, summary, responses } of operations) {
      assert.ok(operationId && summary && tags.length === 1);
      for (const [status, { description, content }] of Object.entries(responses)) {
        assert.notEqual(description, 'Default Response', operationId);
        if (Number(status) >= 400) assert.deepEqual(Object.keys(content ?? {}), ['application/problem+json']);
      }
    }
  });

  test('describes every route that people use, and none that is not there', async () => {
    assert.deepEqual(
      Object.keys(document.paths).filter((path) => path.startsWith('/api/')),
      [
        '/api/v1/videos',
        '/api/v1/videos/{id}',
        '/api/v1/videos/{id}/segments',
        '/api/v1/videos/{id}/captions/{language}',
        '/api/v1/videos/{id}/poster',
        '/api/v1/events',
        '/api/v1/videos/{id}/events',
        '/api/v1/uploads',
        '/api/v1/uploads/{id}',
      ],
    );
    for (const [path, item] of Object.entries(document.paths)) {
      const target = path.replace('{id}', VIDEO_ID).replaceAll(/\{\w+\}/g, '0');
      const { body } = await rawRequest(server.origin, target, { method: methodNotOf(item) });
      const { code } = JSON.parse(body.toString());
      assert.equal(code, 'method_not_allowed', `${path} is routed`);
    }
  });

  test('has exactly the methods that a path has', async () => {
    for (const [path, item] of Object.entries(document.paths)) {
      const target = path.replace('{id}', VIDEO_ID).replaceAll(/\{\w+\}/g, '0');
      const { headers } = await rawRequest(server.origin, target, { method: methodNotOf(item) });
      const allowed = String(headers.allow).toLowerCase().split(', ');
      // Who may GET may HEAD; only uploads have one of their own.
      const implied = 'get' in item ? ['head', 'options'] : ['options'];
      const expected = [...Object.keys(item), ...implied].sort();
      if (!path.startsWith('/v/')) assert.deepEqual(allowed.sort(), expected, path);
    }
  });

  test('says which operations need the key: all that change something, and no other', () => {
    for (const [path, item] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(item)) {
        const isChange = !['get', 'head'].includes(method);
        assert.deepEqual(operation.security, isChange ? [{ apiKey: [] }] : undefined, `${method} ${path}`);
      }
    }
  });

  test('fits the answers that are given', async () => {
    const list = (await getJson(`${server.origin}/api/v1/videos?limit=1`)).json;
    assert.ok(list.nextCursor);
    assertFits('VideoList', list);
    assertFits('VideoList', (await getJson(`${server.origin}/api/v1/videos?cursor=1`)).json);
    assertFits('Video', (await getJson(`${server.origin}/api/v1/videos/${VIDEO_ID}`)).json);
    assertFits('Video', VIDEO_EXAMPLE);
    for (const path of ['/api/v1/videos/vid_0', '/api/v1/videos?limit=x', '/nothing', `/v/${VIDEO_ID}/x`]) {
      assertFits('Problem', (await getJson(server.origin + path)).json);
    }
    assert.ok(!schema('Video')({ ...VIDEO_EXAMPLE, durationSeconds: 'long' }), 'the schema can refuse');
  });

  test('fits what is answered over a real catalog', async () => {
    await using real = await startRealCatalog({ apiKey: 'a-key-of-some-length' });
    const headers = { authorization: 'Bearer a-key-of-some-length' };
    assertFits('Problem', (await callJson(real.videoUrl, 'PATCH', { title: 'x' })).json);
    const body = { title: 'x', metadata: { a: 'b' } };
    const patched = (await callJson(real.videoUrl, 'PATCH', body, headers)).json;
    assertFits('Video', patched);
    const { states } = Object.values<{ states: string }>(
      (await getJson(`${real.videoUrl}/segments`)).json.tracks,
    )[0]!;
    assert.equal(states, 'w2');
    assertFits('Segments', (await getJson(`${real.videoUrl}/segments`)).json);
    await using events = await openEvents(`${real.videoUrl}/events`);
    assertFits('Video', (await events.next())?.data);
    assertFits('Segments', (await events.next())?.data);
    assertFits('Problem', (await callJson(real.videoUrl, 'PATCH', { x: 1 }, headers)).json);
  });

  test('describes the body of a change as it is checked', async () => {
    const { content } = document.paths['/api/v1/videos/{id}']?.patch?.requestBody ?? {};
    assert.deepEqual(Object.keys(content ?? {}), ['application/merge-patch+json', 'application/json']);
    const validate = new Ajv2020({ strict: false }).compile(content?.['application/json']?.schema ?? {});
    for (const [value, fits] of [
      [{}, true],
      [{ title: 'x', description: '', visibility: 'private', metadata: { a: 'b', c: null } }, true],
      [{ title: 'x'.repeat(501) }, false],
      [{ title: 'two\nlines' }, false],
      [{ status: 'ready' }, false],
      [{ metadata: { a: 5 } }, false],
    ] as const) {
      assert.equal(validate(value), fits, JSON.stringify(value).slice(0, 80));
    }
  });

  test('is revalidated by its tag', async () => {
    const first = await fetch(`${server.origin}/api/v1/openapi.json`);
    await first.text();
    const again = await fetch(`${server.origin}/api/v1/openapi.json`, {
      headers: { 'if-none-match': first.headers.get('etag') ?? '' },
    });
    assert.equal(again.status, 304);
  });

  test('can be read as a page that needs no other server', async () => {
    const response = await fetch(`${server.origin}/docs`);
    assert.equal(response.status, 200);
    const policy = response.headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /https?:|\*/);
    const html = await response.text();
    assert.match(html, /\/api\/v1\/openapi\.json/);
    const script = /<script src="([^"]+)"/.exec(html)?.[1] ?? '';
    const answer = await fetch(new URL(script, response.url));
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('content-type') ?? '', /javascript/);
    assert.ok((await answer.text()).length > 100_000);
  });
});
