/** What servers say when they refuse, as the one sentence that whoever runs Sluice reads. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { isAppError } from '../../src/errors.ts';
import { checkBucket, s3Place } from '../../src/storage/s3-client.ts';

/** What the stand-in for a server answers next. */
let answer: { readonly status: number; readonly body: string; readonly headers?: Record<string, string> };
const server = createServer((_, response) => {
  response.writeHead(answer.status, answer.headers).end(answer.body);
});

function refusal(status: number, code: string, more = ''): typeof answer {
  return {
    status,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>Some words.</Message>${more}</Error>`,
  };
}

const html = { 'content-type': 'text/html' };
const cases: readonly [what: string, given: typeof answer, says: RegExp][] = [
  ['a wrong clock', refusal(403, 'RequestTimeTooSkewed'), /this machine's clock is wrong/],
  ['no right', refusal(403, 'AccessDenied'), /no right to do this/],
  ['a wrong secret', refusal(403, 'SignatureDoesNotMatch'), /look at AWS_SECRET_ACCESS_KEY/],
  ['an unknown key', refusal(403, 'InvalidAccessKeyId'), /look at AWS_ACCESS_KEY_ID/],
  ['a session that is over', refusal(400, 'ExpiredToken'), /the session token has expired/],
  ['no bucket', refusal(404, 'NoSuchBucket'), /has no such bucket/],
  [
    'another region',
    refusal(400, 'AuthorizationHeaderMalformed', '<Region>eu-west-3</Region>'),
    /look at AWS_REGION/,
  ],
  ['what nobody knows', refusal(418, 'Teapot'), /failed \(Teapot\)/],
  [
    'a web server',
    { status: 200, headers: html, body: '<!doctype html><p>Hello</p>' },
    /does not answer as S3 does/,
  ],
  [
    'its page of errors',
    { status: 404, headers: html, body: '<!doctype html>Gone' },
    /does not answer as S3 does/,
  ],
  ['an empty refusal', { status: 403, body: '' }, /does not answer as S3 does/],
];

describe('a refusal is one sentence', () => {
  before(() => new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve)));
  after(() => server.close());

  for (const [what, given, says] of cases) {
    test(what, async () => {
      answer = given;
      using place = s3Place({
        bucket: 'films',
        prefix: '',
        endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        region: 'us-east-1',
        isPathStyle: true,
        credentials: { accessKeyId: 'someone', secretAccessKey: 'a-secret-that-nobody-sees' },
      });
      const error: unknown = await checkBucket(place).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      assert.ok(isAppError(error, 'object_store_failed'), `${String(error)}`);
      assert.match(error.message, says);
      assert.match(error.message, /^cannot use the bucket films: the object store [^\n]+$/);
      assert.doesNotMatch(error.message, /nobody-sees/);
    });
  }
});
