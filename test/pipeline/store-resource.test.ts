import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ByteRange } from '../../src/media/byte-range.ts';
import { storeResource } from '../../src/pipeline/store-resource.ts';
import { fileSystemStore } from '../../src/storage/file-system.ts';
import { parseObjectKey } from '../../src/storage/object-key.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { rejects, text } from '../contracts/object-store.contract.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';

const KEY = parseObjectKey('a/0.m4s');
const signal = new AbortController().signal;

test('one request does for looking and reading, where what is read was said before', async () => {
  await using folder = await temporaryFolder();
  const files = fileSystemStore(folder.path);
  await files.put(KEY, text('0123456789'));
  const cases: readonly [willRead: ByteRange | undefined, open: Span | undefined, requests: string][] = [
    [{ start: 0 }, undefined, 'get'],
    [{ start: 0 }, { start: 0, end: 9 }, 'get'],
    [{ start: 2, end: 5 }, { start: 2, end: 5 }, 'get'],
    [{ start: 4, end: 99 }, { start: 4, end: 9 }, 'get'],
    [undefined, undefined, 'head get'],
    // Not what was said.
    [{ start: 0 }, { start: 3, end: 4 }, 'get get'],
    [{ start: 2, end: 5 }, undefined, 'get get'],
    // There is nothing: only its length can be told.
    [{ start: 10 }, undefined, 'get head get'],
  ];
  for (const [willRead, open, requests] of cases) {
    const { store, seen } = counting(files);
    const resource = await storeResource(store, KEY, { ...about, willRead });
    assert.equal(resource.bytes, 10);
    const { start, end } = open ?? { start: 0, end: 9 };
    assert.equal(await read(resource.open(open, signal)), '0123456789'.slice(start, end + 1));
    assert.equal(seen.join(' '), requests);
    assert.equal(await read(resource.open(undefined, signal)), '0123456789', 'each call opens anew');
  }
});

test('an object without bytes, and one that is not there', async () => {
  await using folder = await temporaryFolder();
  const files = fileSystemStore(folder.path);
  await files.put(KEY, text(''));
  for (const willRead of [undefined, { start: 0 }, { start: 0, end: 4 }]) {
    const resource = await storeResource(files, KEY, { ...about, willRead });
    assert.equal(resource.bytes, 0);
    assert.equal(await read(resource.open(undefined, signal)), '');
    await rejects(storeResource(files, parseObjectKey('b'), { ...about, willRead }), 'object_not_found');
  }
});

type Span = { readonly start: number; readonly end: number };

const about = { mediaType: 'video/iso.segment', isImmutable: true, signal };

function counting(inner: ObjectStore): { readonly store: ObjectStore; readonly seen: readonly string[] } {
  const seen: string[] = [];
  const store: ObjectStore = {
    ...inner,
    get: (key, options) => (seen.push('get'), inner.get(key, options)),
    head: (key, options) => (seen.push('head'), inner.head(key, options)),
  };
  return { store, seen };
}

async function read(opened: Promise<ReadableStream<Uint8Array>>): Promise<string> {
  return new Response(await opened).text();
}
