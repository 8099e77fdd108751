import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileSystemStore } from '../../src/storage/file-system.ts';
import { parseObjectKey as key } from '../../src/storage/object-key.ts';
import { readOnlyStore } from '../../src/storage/read-only.ts';
import { keysOf, rejects, text, textOf } from '../contracts/object-store.contract.ts';
import { temporaryFolder } from './temporary-folder.ts';

test('a read-only store reads, and refuses every change', async () => {
  await using folder = await temporaryFolder();
  const store = fileSystemStore(folder.path);
  const info = await store.put(key('a/x'), text('kept'));
  const readOnly = readOnlyStore(store);
  await rejects(readOnly.put(key('a/x'), text('changed')), 'object_store_failed');
  await rejects(readOnly.delete(key('a/x')), 'object_store_failed');
  await rejects(readOnly.deletePrefix(key('a')), 'object_store_failed');
  assert.deepEqual(await keysOf(readOnly, 'a'), ['a/x']);
  assert.equal(await textOf(readOnly, 'a/x'), 'kept');
  assert.deepEqual(await readOnly.head(key('a/x')), info);
});
