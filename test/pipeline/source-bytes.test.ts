import assert from 'node:assert/strict';
import { chmod, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { AppError } from '../../src/errors.ts';
import { sourceBytes } from '../../src/pipeline/source-bytes.ts';
import { fileSystemStore } from '../../src/storage/file-system.ts';
import { parseObjectKey } from '../../src/storage/object-key.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { rejects } from '../contracts/object-store.contract.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';

const KEY = parseObjectKey('film.mp4');
const signal = new AbortController().signal;

/** A file of ten bytes in a folder, as the engine is to read it. */
async function fileOfTen() {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'film.mp4');
  await writeFile(path, '0123456789');
  const store = fileSystemStore(folder.path);
  const { bytes, etag } = await store.head(KEY);
  const source = { origin: 'library', key: KEY, name: 'film.mp4', bytes, etag } as const;
  return { folder, path, store, source, bytes: sourceBytes(store, source) };
}

test('reads what was asked for, and no more than there is', async () => {
  const { folder, bytes } = await fileOfTen();
  const read = async (offset: number, length: number): Promise<string> =>
    Buffer.from(await bytes.read(offset, length, signal)).toString();
  assert.equal(await read(0, 4), '0123');
  assert.equal(await read(8, 100), '89');
  assert.equal(await read(10, 5), '');
  await folder[Symbol.asyncDispose]();
});

test('a file that has vanished, was changed or was cut off is source_vanished', async () => {
  const changes = [
    (path: string) => rm(path),
    (path: string) => writeFile(path, 'abcdefghij'),
    (path: string) => truncate(path, 3),
  ];
  for (const change of changes) {
    const { folder, path, bytes } = await fileOfTen();
    await change(path);
    await rejects(bytes.read(5, 5, signal), 'source_vanished');
    await folder[Symbol.asyncDispose]();
  }
});

test('a file that we may not read is source_unreadable', {
  skip: process.getuid?.() === 0 && 'root may read all',
}, async () => {
  const { folder, path, bytes } = await fileOfTen();
  await chmod(path, 0);
  await rejects(bytes.read(0, 5, signal), 'source_unreadable');
  await folder[Symbol.asyncDispose]();
});

test('a store that fails is source_unreadable', async () => {
  const { folder, store, source } = await fileOfTen();
  const failing: ObjectStore = {
    ...store,
    get: async () => {
      throw new AppError('object_store_failed', 'input/output error');
    },
  };
  await rejects(sourceBytes(failing, source).read(0, 5, signal), 'source_unreadable');
  await folder[Symbol.asyncDispose]();
});
