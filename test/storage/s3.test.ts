/** The store on a bucket, and what grows in it, on a real S3 server. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import dns from 'node:dns';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isAppError } from '../../src/errors.ts';
import { parseObjectKey as key } from '../../src/storage/object-key.ts';
import { s3Store } from '../../src/storage/s3.ts';
import type { BucketSettings } from '../../src/storage/bucket.ts';
import { checkBucket, s3Place } from '../../src/storage/s3-client.ts';
import { s3Partials } from '../../src/storage/s3-partial.ts';
import { presignedUrls } from '../../src/storage/s3-urls.ts';
import { freePort } from '../free-port.ts';
import {
  bytesOf,
  keysOf,
  rejects,
  testObjectStore,
  text,
  textOf,
} from '../contracts/object-store.contract.ts';
import { testPartialObjects } from '../contracts/partial-objects.contract.ts';
import { type Fault, startFaultyProxy } from './faulty-proxy.ts';
import { type S3Server, s3ServerSkip, startS3Server } from './s3-server.ts';

const ALL = { limitBytes: 1e12 };
const MEBIBYTE = 1024 * 1024;

type LookedUp = (error: null, addresses: readonly { address: string; family: number }[]) => void;

describe('on a real server', { skip: s3ServerSkip() }, () => {
  let server: S3Server;
  before(async () => {
    server = await startS3Server();
  });
  after(() => server[Symbol.asyncDispose]());

  /** An empty bucket, with what can be done to it, and its requests counted and broken on the way. */
  async function open(change: Partial<BucketSettings> = {}) {
    const proxy = await startFaultyProxy(server.endpoint);
    const settings = { ...(await server.bucket()), endpoint: proxy.endpoint, ...change };
    const place = s3Place(settings);
    return {
      settings,
      proxy,
      store: s3Store(place),
      partials: s3Partials(place),
      async [Symbol.asyncDispose]() {
        place[Symbol.dispose]();
        await proxy[Symbol.asyncDispose]();
      },
    };
  }

  testObjectStore('a bucket', async () => {
    const place = s3Place(await server.bucket());
    return { store: s3Store(place), [Symbol.asyncDispose]: async () => place[Symbol.dispose]() };
  });

  testPartialObjects('a part of a bucket', async () => {
    const place = s3Place({ ...(await server.bucket()), prefix: 'some/where' });
    return {
      partials: s3Partials(place),
      store: s3Store(place),
      [Symbol.asyncDispose]: async () => place[Symbol.dispose](),
    };
  });

  test('a part of a bucket sees and touches nothing beside it', async () => {
    const settings = await server.bucket();
    using whole = s3Place(settings);
    using part = s3Place({ ...settings, prefix: 'a' });
    await s3Store(whole).put(key('ab/x'), text('beside'));
    await s3Store(part).put(key('f/x'), text('inside'));
    assert.deepEqual(await keysOf(s3Store(part), ''), ['f/x']);
    assert.equal(await textOf(s3Store(whole), 'a/f/x'), 'inside');
    await s3Store(part).deletePrefix(key('f'));
    assert.deepEqual(await keysOf(s3Store(whole), ''), ['ab/x']);
  });

  test('ten thousand objects are deleted with eleven requests to delete, and none stays', async () => {
    await using made = await open();
    const { store, proxy } = made;
    await store.put(key('beside'), text('stays'));
    const folder = join(server.folder, made.settings.bucket, 'v');
    mkdirSync(folder);
    for (let at = 0; at < 10_000; at++) writeFileSync(join(folder, `${at}.m4s`), 'x');
    const countBefore = proxy.seen.length;
    await store.deletePrefix(key('v'));
    const deletes = proxy.seen.slice(countBefore).filter(({ method }) => method !== 'GET');
    assert.ok(deletes.length <= 11, `${deletes.length} requests to delete`);
    assert.ok(deletes.every(({ query }) => query.has('delete')));
    assert.deepEqual(await keysOf(store, ''), ['beside']);
  });

  test('requests that fail are made again, and bodies that break off are read on', async () => {
    await using made = await open();
    const { store, proxy } = made;
    const bytes = randomBytes(3 * MEBIBYTE);
    let count = 0;
    const faults: readonly (Fault | undefined)[] = [
      'error',
      'reset',
      undefined,
      'cut',
      'cut',
      undefined,
      'lost',
    ];
    proxy.fault = () => faults[count++ % faults.length];
    for (let round = 0; round < 4; round++) {
      await store.put(key('x'), bytes);
      const content = await store.get(key('x'), { range: { start: 5 } });
      assert.deepEqual(await bytesOf(content.body), bytes.subarray(5));
    }
    proxy.fault = () => 'error';
    await rejects(store.get(key('x')), 'object_store_failed');
  });

  test('a body is not read on from other bytes', async () => {
    await using made = await open();
    const { store, proxy } = made;
    await store.put(key('x'), randomBytes(2 * MEBIBYTE));
    proxy.fault = () => 'cut';
    const { body } = await store.get(key('x'));
    const reader = body.getReader();
    await reader.read();
    proxy.fault = () => undefined;
    await store.put(key('x'), randomBytes(2 * MEBIBYTE));
    await rejects(
      (async () => {
        while (!(await reader.read()).done);
      })(),
      'object_store_failed',
    );
  });

  test('a put that fails in its middle leaves no parts behind', async () => {
    await using made = await open();
    const { store, proxy, partials } = made;
    proxy.fault = ({ query }) => (query.get('partNumber') === '2' ? 'error' : undefined);
    await rejects(store.put(key('x'), streamOf(20 * MEBIBYTE)), 'object_store_failed');
    const aborted = proxy.seen.filter(({ method, query }) => method === 'DELETE' && query.has('uploadId'));
    assert.equal(aborted.length, 1);
    assert.deepEqual(await keysOf(store, ''), []);
    assert.deepEqual(await Array.fromAsync(partials.list()), []);
  });

  test('an upload goes on at another server, in parts and tails, and its bytes are right', async () => {
    await using made = await open({ prefix: 'p' });
    const { partials, proxy, store } = made;
    using place = s3Place(made.settings);
    const others = s3Partials(place);
    const bytes = randomBytes(30 * MEBIBYTE);
    await partials.create('aa', key('made'), { bytes: bytes.length });
    let size = 0;
    for (const end of [3, 9, 10, 29, 30].map((mebibytes) => mebibytes * MEBIBYTE - 7)) {
      const writer = size % 2 === 0 ? partials : others;
      size = await writer.append('aa', size, pieces(bytes.subarray(size, end)), ALL);
      assert.equal(await others.size('aa'), end);
    }
    size = await others.append('aa', size, pieces(bytes.subarray(size)), ALL);
    // The answer to the last request gets lost: whoever asks again must hear that it is done.
    let lost = 0;
    proxy.fault = ({ method, query }) =>
      method === 'POST' && query.has('uploadId') && lost++ === 0 ? 'lost' : undefined;
    const info = await partials.finish('aa', key('made'));
    assert.ok(lost >= 1);
    assert.equal(info.bytes, bytes.length);
    assert.deepEqual(await bytesOf((await store.get(key('made'))).body), bytes);
    const sizes = proxy.seen.filter(({ method, query }) => method === 'PUT' && query.has('partNumber'));
    assert.ok(sizes.length >= 2);
  });

  test('what crashes left is tidied away once it is old, and what grows stays', async () => {
    await using made = await open();
    const { partials, proxy, store } = made;
    // The notes of one upload cannot be written, nor can its parts be aborted.
    proxy.fault = ({ path, method }) => (method === 'PUT' && path.endsWith('/upload') ? 'error' : undefined);
    await rejects(partials.create('dead', key('left')), 'object_store_failed');
    proxy.fault = () => undefined;
    await partials.create('a11e', key('grows'));
    await partials.append('a11e', 0, pieces(randomBytes(9 * MEBIBYTE)), ALL);
    const aborts = () =>
      proxy.seen.filter(({ method, query }) => method === 'DELETE' && query.has('uploadId'));
    await partials.tidy(new Date(Date.now() - 60_000));
    assert.equal(aborts().length, 0, 'what is young may still be going on');
    await partials.tidy(new Date(Date.now() + 60_000));
    assert.equal(aborts().length, 1);
    await partials.finish('a11e', key('grows'));
    assert.equal((await store.head(key('grows'))).bytes, 9 * MEBIBYTE);
  });

  test('says what is wrong in one sentence', async () => {
    const settings = await server.bucket();
    const { accessKeyId, secretAccessKey } = settings.credentials!;
    const cases: readonly [change: Partial<BucketSettings>, says: RegExp][] = [
      [{}, /^$/],
      [{ bucket: 'no-such-bucket' }, /no-such-bucket: .* no such bucket/],
      [{ credentials: { accessKeyId: 'nobody', secretAccessKey } }, /AWS_ACCESS_KEY_ID/],
      [{ credentials: { accessKeyId, secretAccessKey: 'wrong' } }, /AWS_SECRET_ACCESS_KEY/],
      [{ endpoint: `http://127.0.0.1:${await freePort()}` }, /nothing listens there/],
      [{ endpoint: 'http://no-such-host.invalid' }, /host name/],
    ];
    for (const [change, says] of cases) {
      using place = s3Place({ ...settings, ...change });
      const message = await checkBucket(place).then(
        () => '',
        (error: unknown) => {
          assert.ok(isAppError(error, 'object_store_failed'));
          return error.message;
        },
      );
      assert.match(message, says);
      assert.doesNotMatch(message, /\n|secret-of/);
    }
  });

  test('a wrong clock is made up for, since each refusal says what time it is', async (t) => {
    const settings = await server.bucket();
    // An hour ahead, and standing still. Servers bear a quarter of an hour.
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 3_600_000 });
    using place = s3Place(settings);
    await checkBucket(place);
    await s3Store(place).put(key('x'), text('in time'));
    assert.equal(await textOf(s3Store(place), 'x'), 'in time');
    const url = await (await presignedUrls(place, Date.now)).urlOf(key('x'));
    assert.equal(await (await fetch(url)).text(), 'in time');
  });

  test('a bucket may be part of the host name', async (t) => {
    // Not every machine knows names below localhost; in DNS, providers have one for each bucket.
    const lookup = t.mock.method(dns, 'lookup', (_name: string, _options: unknown, done: LookedUp) =>
      done(null, [{ address: '127.0.0.1', family: 4 }]),
    );
    const { port } = new URL(server.endpoint);
    const settings = { ...(await server.bucket('by-name')), isPathStyle: false, prefix: 'p' };
    using place = s3Place({ ...settings, endpoint: `http://localhost:${port}` });
    await checkBucket(place);
    const store = s3Store(place);
    const bytes = randomBytes(9 * MEBIBYTE);
    await store.put(key('a b/ü+%.m4s'), pieces(bytes));
    assert.deepEqual(await bytesOf((await store.get(key('a b/ü+%.m4s'))).body), bytes);
    assert.deepEqual(await keysOf(store, ''), ['a b/ü+%.m4s']);
    const urls = await presignedUrls(place, Date.now);
    assert.equal(urls.origin, `http://by-name.localhost:${port}`);
    const url = await urls.urlOf(key('a b/ü+%.m4s'));
    assert.deepEqual(new Uint8Array(await (await fetch(url)).arrayBuffer()), new Uint8Array(bytes));
    await store.deletePrefix(key('a b'));
    assert.deepEqual(await keysOf(store, ''), []);
    const names = new Set(lookup.mock.calls.map(({ arguments: [name] }) => name));
    assert.deepEqual([...names], ['by-name.localhost']);
    using elsewhere = s3Place({ ...settings, bucket: 'not-there', endpoint: `http://localhost:${port}` });
    await assert.rejects(checkBucket(elsewhere), /no such bucket/);
  });

  test('a server that does not answer is given up', async () => {
    await using made = await open();
    made.proxy.fault = () => 'stall';
    const reading = made.store.get(key('x'), { signal: AbortSignal.timeout(100) });
    await rejects(reading, 'aborted');
  });
});

function streamOf(total: number): ReadableStream<Uint8Array> {
  return pieces(randomBytes(total));
}

function pieces(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(at, at + 100_000));
      at += 100_000;
    },
  });
}
