import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { readConfig } from '../src/config.ts';
import { isAppError } from '../src/errors.ts';

test('without any variable, Sluice runs for this machine alone', () => {
  assert.deepEqual(readConfig({ PATH: '/bin', HOME: '/root' }), {
    host: '127.0.0.1',
    port: 8080,
    dataFolder: resolve('data'),
    library: { kind: 'folder', path: resolve('assets') },
    libraryPollSeconds: 60,
    store: { kind: 'folder', path: resolve('data') },
    mediaRedirect: 'off',
    encode: 'eager',
    logLevel: 'info',
    cacheBytes: 20 * 1024 ** 3,
    minFreeBytes: 1024 ** 3,
    pullPrivate: 'refuse',
  });
});

test('every variable is taken', () => {
  const config = readConfig({
    SLUICE_HOST: '::',
    SLUICE_PORT: '0',
    SLUICE_DATA: '/var/lib/sluice',
    SLUICE_LIBRARY: './my videos',
    SLUICE_LIBRARY_POLL_SECONDS: '10',
    SLUICE_STORE: '/mnt/objects',
    SLUICE_S3_ADDRESSING: 'host',
    SLUICE_MEDIA_REDIRECT: 'https://cdn.example/media/',
    DATABASE_URL: 'postgres://me:secret@db/sluice',
    SLUICE_PUBLIC_URL: 'https://videos.example/sluice/',
    SLUICE_API_KEY: 'correct-horse-battery',
    SLUICE_ENCODE: 'on-demand',
    SLUICE_LOG_LEVEL: 'debug',
    SLUICE_CACHE_BYTES: '1500000',
    SLUICE_MAX_UPLOAD_BYTES: '5G',
    SLUICE_MIN_FREE_BYTES: '0',
    SLUICE_PULL_PRIVATE: 'allow',
  });
  assert.deepEqual(config, {
    host: '::',
    port: 0,
    workerPort: 0,
    dataFolder: '/var/lib/sluice',
    library: { kind: 'folder', path: resolve('my videos') },
    libraryPollSeconds: 10,
    store: { kind: 'folder', path: '/mnt/objects' },
    mediaRedirect: { baseUrl: 'https://cdn.example/media' },
    databaseUrl: 'postgres://me:secret@db/sluice',
    publicUrl: 'https://videos.example/sluice',
    apiKey: 'correct-horse-battery',
    encode: 'on-demand',
    logLevel: 'debug',
    cacheBytes: 1_500_000,
    maxUploadBytes: 5 * 1024 ** 3,
    minFreeBytes: 0,
    pullPrivate: 'allow',
  });
});

test('an empty variable counts as not set', () => {
  const empty = { SLUICE_PORT: '', SLUICE_API_KEY: '', SLUICE_STORE: '', DATABASE_URL: '' };
  assert.deepEqual(readConfig(empty), readConfig({}));
});

test('objects are kept in the data folder unless another one is given', () => {
  assert.deepEqual(readConfig({ SLUICE_DATA: '/d' }).store, { kind: 'folder', path: '/d' });
});

test('sizes have units of 1024', () => {
  assert.equal(cacheBytes('0'), 0);
  assert.equal(cacheBytes('3k'), 3072);
  assert.equal(cacheBytes('2M'), 2 * 1024 ** 2);
  assert.equal(cacheBytes('7G'), 7 * 1024 ** 3);
  assert.equal(cacheBytes('1t'), 1024 ** 4);
});

test('a malformed value is named, with what it is and what is expected', () => {
  const malformed: readonly (readonly [string, string])[] = [
    ['SLUICE_HOST', 'http://localhost'],
    ['SLUICE_HOST', 'a b'],
    ['SLUICE_PORT', '65536'],
    ['SLUICE_PORT', '80a'],
    ['SLUICE_PORT', '-1'],
    ['SLUICE_PORT', ' 80'],
    ['SLUICE_PUBLIC_URL', 'videos.example'],
    ['SLUICE_PUBLIC_URL', 'ftp://videos.example'],
    ['SLUICE_PUBLIC_URL', 'https://me:secret@videos.example'],
    ['SLUICE_PUBLIC_URL', 'https://videos.example/?x=1'],
    ['SLUICE_ENCODE', 'lazy'],
    ['SLUICE_ENCODE', 'EAGER'],
    ['SLUICE_LOG_LEVEL', 'verbose'],
    ['SLUICE_CACHE_BYTES', '20GB'],
    ['SLUICE_CACHE_BYTES', '1.5G'],
    ['SLUICE_CACHE_BYTES', '-1'],
    ['SLUICE_CACHE_BYTES', '99999999T'],
  ];
  for (const [name, value] of malformed) {
    const message = refusal({ [name]: value });
    assert.ok(message.startsWith(`${name} is ${JSON.stringify(value)}, expected `), message);
    assert.doesNotMatch(message, /\n/);
  }
});

test('a secret is never repeated', () => {
  const message = refusal({ SLUICE_API_KEY: 'too short', DATABASE_URL: 'mysql://me:secret@db/x' });
  assert.match(message, /SLUICE_API_KEY is malformed, expected at least 16/);
  assert.match(message, /DATABASE_URL is malformed, expected the address of a PostgreSQL database/);
  assert.doesNotMatch(message, /too short|secret/);
});

const KEYS = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' };

test('a bucket is Amazon\u2019s, unless an endpoint is given', () => {
  assert.deepEqual(readConfig({ SLUICE_STORE: 's3://films' }).store, {
    kind: 'bucket',
    settings: { bucket: 'films', prefix: '', region: 'us-east-1', isPathStyle: false },
  });
  const elsewhere = {
    SLUICE_STORE: 's3://films/made by us/',
    AWS_ENDPOINT_URL: 'http://not-this-one',
    AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9000/',
    AWS_REGION: 'eu-west-3',
    AWS_SESSION_TOKEN: 'token',
    ...KEYS,
  };
  const settings = {
    bucket: 'films',
    prefix: 'made by us',
    endpoint: 'http://127.0.0.1:9000',
    region: 'eu-west-3',
    isPathStyle: true,
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret', sessionToken: 'token' },
  };
  assert.deepEqual(readConfig(elsewhere).store, { kind: 'bucket', settings });
  assert.deepEqual(readConfig({ ...elsewhere, SLUICE_S3_ADDRESSING: 'host' }).store, {
    kind: 'bucket',
    settings: { ...settings, isPathStyle: false },
  });
});

test('what is wrong with a bucket is said once, and without its secrets', () => {
  for (const value of ['s3://', 's3://Films', 's3://films/a//b', 'gs://films', 's3://films/../x'])
    assert.match(
      refusal({ SLUICE_STORE: value }),
      /^SLUICE_STORE is .*, expected the path of a folder, or s3:/,
    );
  const one = { SLUICE_STORE: 's3://aaa', SLUICE_LIBRARY: 's3://bbb', AWS_SECRET_ACCESS_KEY: 'very-secret' };
  assert.equal(refusal(one), 'AWS_ACCESS_KEY_ID is not set, expected both keys or neither');
  assert.match(
    refusal({ SLUICE_STORE: 's3://aaa', AWS_ENDPOINT_URL_S3: 'localhost' }),
    /^AWS_ENDPOINT_URL_S3 is/,
  );
  readConfig({ AWS_SECRET_ACCESS_KEY: 'of no concern without a bucket' });
});

test('viewers are sent to a bucket only where there is one', () => {
  assert.match(refusal({ SLUICE_MEDIA_REDIRECT: 'presigned' }), /expected SLUICE_STORE to be a bucket/);
  assert.match(refusal({ SLUICE_MEDIA_REDIRECT: 'cdn.example' }), /^SLUICE_MEDIA_REDIRECT is "cdn.example"/);
  const config = readConfig({ SLUICE_STORE: 's3://aaa', SLUICE_MEDIA_REDIRECT: 'presigned' });
  assert.equal(config.mediaRedirect, 'presigned');
});

test('an unknown variable is a slip of the pen', () => {
  const message = refusal({ SLUICE_PROT: '80', OTHER: 'x' });
  assert.match(message, /^SLUICE_PROT is unknown, expected one of .*SLUICE_PORT/);
  assert.doesNotMatch(message, /OTHER/);
});

test('all problems are told at once, in one line', () => {
  const message = refusal({ SLUICE_PORT: 'x', SLUICE_ENCODE: 'y\nz', SLUICE_WHAT: '' });
  for (const name of ['SLUICE_PORT', 'SLUICE_ENCODE', 'SLUICE_WHAT'])
    assert.ok(message.includes(`${name} is`));
  assert.doesNotMatch(message, /\n/);
});

test('what Sluice writes may not lie in the library, where it would be found as new videos', () => {
  assert.match(
    refusal({ SLUICE_LIBRARY: '/v', SLUICE_DATA: '/v/data' }),
    /^SLUICE_DATA is "\/v\/data", expected .* outside/,
  );
  assert.match(refusal({ SLUICE_LIBRARY: '/v', SLUICE_STORE: '/v' }), /^SLUICE_STORE/);
  assert.match(refusal({ SLUICE_LIBRARY: '.' }), /^SLUICE_DATA [^;]*$/);
  readConfig({ SLUICE_LIBRARY: '/v', SLUICE_DATA: '/v..', SLUICE_STORE: '/vv' });
  readConfig({ SLUICE_LIBRARY: '/data/videos', SLUICE_DATA: '/data' });
  assert.match(
    refusal({ SLUICE_LIBRARY: 's3://aaa', SLUICE_STORE: 's3://aaa/b' }),
    /^SLUICE_STORE is "s3:\/\/aaa\/b"/,
  );
  assert.match(refusal({ SLUICE_LIBRARY: 's3://aaa/b', SLUICE_STORE: 's3://aaa/b' }), /^SLUICE_STORE/);
  readConfig({ SLUICE_LIBRARY: 's3://aaa/b', SLUICE_STORE: 's3://aaa/bb' });
  readConfig({ SLUICE_LIBRARY: 's3://aaa/b', SLUICE_STORE: 's3://aaa' });
});

function cacheBytes(text: string): number {
  return readConfig({ SLUICE_CACHE_BYTES: text }).cacheBytes;
}

function refusal(environment: Record<string, string>): string {
  try {
    readConfig(environment);
  } catch (error) {
    assert.ok(isAppError(error, 'config_invalid'), String(error));
    return error.message;
  }
  return assert.fail('nothing was refused');
}
