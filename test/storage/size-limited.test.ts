import assert from 'node:assert/strict';
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from '../fast-check.ts';
import { AppError } from '../../src/errors.ts';
import { fileSystemStore } from '../../src/storage/file-system.ts';
import { parseObjectKey as key } from '../../src/storage/object-key.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { openSizeLimitedStore } from '../../src/storage/size-limited.ts';
import { bytesOf, keysOf, rejects, testObjectStore } from '../contracts/object-store.contract.ts';
import { temporaryFolder } from './temporary-folder.ts';

testObjectStore('a store with room to spare', async () => {
  const folder = await temporaryFolder();
  const store = await limited(fileSystemStore(folder.path), 1e9);
  return { store, [Symbol.asyncDispose]: folder[Symbol.asyncDispose] };
});

test('what was not used for longest makes room; get, head and put are uses', async () => {
  await using folder = await temporaryFolder();
  const evicted: string[] = [];
  const store = await openSizeLimitedStore(fileSystemStore(folder.path), {
    limitBytes: 50,
    onEvicted: (at) => evicted.push(at),
    onEvictionFailed: assert.ifError,
  });
  for (const name of ['a', 'b', 'c', 'd', 'e']) await store.put(key(name), new Uint8Array(10));
  await (await store.get(key('a'))).body.cancel();
  await store.head(key('b'));
  await store.put(key('c'), new Uint8Array(10));
  await store.put(key('f'), new Uint8Array(11));
  assert.deepEqual(await keysOf(store, ''), ['a', 'b', 'c', 'f']);
  await rejects(store.get(key('d')), 'object_not_found');
  assert.deepEqual(evicted, ['d', 'e']);
  assert.equal(store.totalBytes, 41);
});

test('stays within its limit, keeps as much as fits, and never drops what was just put', async () => {
  const put = fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd', 'e/f'), bytes: fc.nat({ max: 60 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(put, { maxLength: 15 }), async (puts) => {
      await using folder = await temporaryFolder();
      const store = await limited(fileSystemStore(folder.path), 100);
      let model: readonly { readonly name: string; readonly bytes: number }[] = [];
      for (const { name, bytes } of puts) {
        await store.put(key(name), new Uint8Array(bytes));
        model = [...model.filter((one) => one.name !== name), { name, bytes }];
        while (model.reduce((sum, one) => sum + one.bytes, 0) > 100) model = model.slice(1);
        assert.deepEqual(await keysOf(store, ''), model.map((one) => one.name).toSorted());
      }
    }),
    { numRuns: 30 },
  );
});

test('an object above the limit is kept until the next one comes', async () => {
  await using folder = await temporaryFolder();
  const store = await limited(fileSystemStore(folder.path), 50);
  await store.put(key('small'), new Uint8Array(10));
  await store.put(key('huge'), new Uint8Array(500));
  assert.deepEqual(await keysOf(store, ''), ['huge']);
  await store.put(key('next'), new Uint8Array(10));
  assert.deepEqual(await keysOf(store, ''), ['next']);
});

test('deletions make room', async () => {
  await using folder = await temporaryFolder();
  const store = await limited(fileSystemStore(folder.path), 50);
  for (const name of ['a/1', 'a/2', 'ab/1', 'b']) await store.put(key(name), new Uint8Array(10));
  await store.delete(key('b'));
  await store.delete(key('b'));
  await store.deletePrefix(key('a'));
  await store.put(key('c'), new Uint8Array(40));
  assert.deepEqual(await keysOf(store, ''), ['ab/1', 'c']);
});

test('counts what is there at the start, and drops what was written first', async () => {
  await using folder = await temporaryFolder();
  const inner = fileSystemStore(folder.path);
  for (const [age, name] of ['newest', 'x/oldest', 'middle'].entries()) {
    await inner.put(key(name), new Uint8Array(10));
    const at = new Date(Date.now() - ((age * 2) % 3) * 10_000 - 10_000);
    await utimes(join(folder.path, name), at, at);
  }
  const store = await limited(inner, 35);
  assert.deepEqual(await keysOf(store, ''), ['middle', 'newest', 'x/oldest']);
  await store.put(key('another'), new Uint8Array(10));
  assert.deepEqual(await keysOf(store, ''), ['another', 'middle', 'newest']);
  assert.deepEqual(await keysOf(await limited(inner, 15), ''), ['another']);
});

test('what is being read when it is dropped is read to its end', async () => {
  await using folder = await temporaryFolder();
  const store = await limited(fileSystemStore(folder.path), 2_500_000);
  await store.put(key('a'), new Uint8Array(2_000_000).fill(7));
  const { body } = await store.get(key('a'));
  await store.put(key('b'), new Uint8Array(2_000_000));
  assert.deepEqual(await keysOf(store, ''), ['b']);
  assert.deepEqual(await bytesOf(body), Buffer.alloc(2_000_000, 7));
});

test('many puts at once end within the limit, all of them readable or dropped whole', async () => {
  await using folder = await temporaryFolder();
  const inner = fileSystemStore(folder.path);
  const store = await limited(inner, 1000);
  const names = Array.from({ length: 60 }, (_, index) => `k${index % 25}`);
  await Promise.all(names.map((name, index) => store.put(key(name), new Uint8Array(50 + (index % 50)))));
  await store.put(key('last'), new Uint8Array(1));
  let total = 0;
  for await (const info of inner.list('')) total += info.bytes;
  assert.ok(total <= 1000 && total > 800, `${total} bytes are kept`);
});

test('a key that is put again while it is being dropped is there afterwards', async () => {
  await using folder = await temporaryFolder();
  const inner = fileSystemStore(folder.path);
  const released = Promise.withResolvers<void>();
  const deleting = Promise.withResolvers<void>();
  const slow: ObjectStore = {
    ...inner,
    async delete(at, options) {
      deleting.resolve();
      await released.promise;
      await inner.delete(at, options);
    },
  };
  const store = await limited(slow, 100);
  await store.put(key('a'), new Uint8Array(60));
  const putB = store.put(key('b'), new Uint8Array(60));
  await deleting.promise;
  const putA = store.put(key('a'), new Uint8Array(30));
  // Time enough for a put that does not wait.
  await sleep(50);
  released.resolve();
  await Promise.all([putA, putB]);
  assert.deepEqual(await keysOf(inner, ''), ['a', 'b']);
});

test('a deletion that fails is reported, fails no put, and is tried again', async () => {
  await using folder = await temporaryFolder();
  const inner = fileSystemStore(folder.path);
  const failures: unknown[] = [];
  let isBroken = true;
  const flaky: ObjectStore = {
    ...inner,
    async delete(at, options) {
      if (isBroken) throw new AppError('object_store_failed', 'no');
      await inner.delete(at, options);
    },
  };
  const store = await openSizeLimitedStore(flaky, {
    limitBytes: 25,
    onEvictionFailed: (error) => failures.push(error),
  });
  for (const name of ['a', 'b', 'c']) await store.put(key(name), new Uint8Array(10));
  assert.equal(failures.length, 1);
  assert.deepEqual(await keysOf(inner, ''), ['a', 'b', 'c']);
  isBroken = false;
  await store.put(key('d'), new Uint8Array(10));
  assert.equal((await keysOf(inner, '')).length, 2);
  assert.equal(failures.length, 1);
});

function limited(store: ObjectStore, limitBytes: number): Promise<ObjectStore> {
  return openSizeLimitedStore(store, { limitBytes, onEvictionFailed: assert.ifError });
}
