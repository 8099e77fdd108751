import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as fc from '../fast-check.ts';
import { VIDEO_ID, type TestServer, rawRequest, resourceOf, startServer } from './support.ts';

describe('the path below /v/{id}/', () => {
  let server: TestServer;
  let resolved: string[] = [];
  before(async () => {
    server = await startServer({
      playback: {
        resolve: async (_id, path) => {
          resolved.push(path);
          return resourceOf('x');
        },
      },
    });
  });
  after(() => server[Symbol.asyncDispose]());

  const ask = async (rest: string, prefix = `/v/${VIDEO_ID}/`) => {
    resolved = [];
    const { status, headers, body } = await rawRequest(server.origin, prefix + rest);
    assert.equal(headers['access-control-allow-origin'], '*', rest);
    const isProblem = headers['content-type']?.startsWith('application/problem+json');
    return { status, resolved, code: isProblem ? JSON.parse(body.toString()).code : undefined };
  };

  test('arrives decoded exactly once', async () => {
    for (const [encoded, decoded] of [
      ['hls/main.m3u8', 'hls/main.m3u8'],
      ['a%20b.ts', 'a b.ts'],
      ['a+b.ts', 'a+b.ts'],
      ['%23%3F%25%22%27.ts', '#?%"\'.ts'],
      ['%2523.ts', '%23.ts'],
      ['%252F.ts', '%2F.ts'],
      ['%25252523%23.ts', '%252523#.ts'],
      ['100%25.ts', '100%.ts'],
      ['%F0%9F%8E%AC/%C3%BC.ts', '🎬/ü.ts'],
      ['a%3Bb;c%3A%40%26%3D%24%2C.ts', 'a;b;c:@&=$,.ts'],
      ['...', '...'],
      ['.hidden/..a', '.hidden/..a'],
      ['a?b=%zz', 'a'],
      ['a?token=/../x', 'a'],
    ] as const) {
      assert.deepEqual(await ask(encoded), { status: 200, resolved: [decoded], code: undefined }, encoded);
    }
  });

  test('whatever a file is called, it is found under its encoded name', async () => {
    const name = fc
      .string({ minLength: 1, maxLength: 20, unit: 'grapheme' })
      .filter((text) => text.isWellFormed() && !/[/\\\0]|^\.{1,2}$/.test(text));
    await fc.assert(
      fc.asyncProperty(fc.array(name, { minLength: 1, maxLength: 4 }), async (parts) => {
        const { resolved: paths } = await ask(parts.map(encodeURIComponent).join('/'));
        assert.deepEqual(paths, [parts.join('/')]);
      }),
      { numRuns: 200 },
    );
  });

  test('is found when a proxy sends the whole URL, or encodes letters that need not be', async () => {
    assert.deepEqual((await ask('a%23', `http://host.example/v/${VIDEO_ID}/`)).resolved, ['a#']);
    assert.deepEqual((await ask('a', `/v/${VIDEO_ID.replace('vid', '%76id')}/`)).resolved, ['a']);
  });

  test('with malformed percent-encoding is refused', async () => {
    for (const rest of ['%', '%z', '%zz', 'a%2', '%C3%28', '%ED%A0%80', '%FF', '%c0%ae%c0%ae/x']) {
      assert.deepEqual(await ask(rest), { status: 400, resolved: [], code: 'invalid_request' }, rest);
    }
  });

  test('that leads elsewhere never reaches the pipeline', async () => {
    for (const rest of [
      '..',
      '../x',
      'a/../../x',
      '%2e%2e/x',
      '%2E%2E%2Fx',
      '.%2e/x',
      './x',
      'a//b',
      '/a',
      'a/',
      '..%2Fx',
      'a%2Fb',
      '%2Fetc%2Fpasswd',
      '..%5Cx',
      'a\\b',
      'a%00b',
      '',
    ]) {
      assert.deepEqual(await ask(rest), { status: 404, resolved: [], code: 'not_found' }, rest);
    }
  });
});
