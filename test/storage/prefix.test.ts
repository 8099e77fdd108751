import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileSystemStore } from '../../src/storage/file-system.ts';
import { parseObjectKey as key } from '../../src/storage/object-key.ts';
import { prefixStore } from '../../src/storage/prefix.ts';
import { keysOf, testObjectStore, text, textOf } from '../contracts/object-store.contract.ts';
import { temporaryFolder } from './temporary-folder.ts';

testObjectStore('a part of a store', async () => {
  const folder = await temporaryFolder();
  const store = prefixStore(fileSystemStore(folder.path), key('some/where'));
  return { store, [Symbol.asyncDispose]: folder[Symbol.asyncDispose] };
});

test('a part sees and touches nothing beside it', async () => {
  await using folder = await temporaryFolder();
  const whole = fileSystemStore(folder.path);
  const part = prefixStore(whole, key('a'));
  await whole.put(key('ab/x'), text('beside'));
  await whole.put(key('x'), text('above'));
  await part.put(key('x'), text('inside'));
  await part.put(key('f/x'), text('inside'));
  assert.deepEqual(await keysOf(part, ''), ['f/x', 'x']);
  assert.equal(await textOf(whole, 'a/x'), 'inside');
  await part.deletePrefix(key('f'));
  await part.delete(key('x'));
  assert.deepEqual(await keysOf(whole, ''), ['ab/x', 'x']);
});
