import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileSystemStore, prepareFolder } from '../../src/storage/file-system.ts';
import { fileSystemPartials } from '../../src/storage/file-system-partial.ts';
import { parseObjectKey as key } from '../../src/storage/object-key.ts';
import { keysOf, rejects, text } from '../contracts/object-store.contract.ts';
import { testPartialObjects } from '../contracts/partial-objects.contract.ts';
import { smallDisk, smallDiskSkip } from './small-disk.ts';
import { temporaryFolder } from './temporary-folder.ts';

testPartialObjects('a folder', async () => {
  const folder = await temporaryFolder();
  return {
    partials: fileSystemPartials(folder.path),
    store: fileSystemStore(folder.path),
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
  };
});

const ALL = { limitBytes: 1e9 };

test('partial objects outlive the process, and the tidying at its start', async () => {
  await using folder = await temporaryFolder();
  const first = fileSystemPartials(folder.path);
  await first.create('aa', key('x'));
  await first.append('aa', 0, ReadableStream.from([text('kept')]), ALL);
  await prepareFolder(folder.path, Date.now() + 365 * 24 * 60 * 60 * 1000);
  const second = fileSystemPartials(folder.path);
  assert.equal(await second.append('aa', 4, ReadableStream.from([text(' on')]), ALL), 7);
  await second.finish('aa', key('x'));
  assert.equal(await readFile(join(folder.path, 'x'), 'utf8'), 'kept on');
});

test('a folder that is gone is a failure, not an empty place', async () => {
  await using folder = await temporaryFolder();
  const partials = fileSystemPartials(folder.path);
  await rm(folder.path, { recursive: true });
  await rejects(partials.create('aa', key('x')), 'object_store_failed');
  await rejects(partials.freeBytes(), 'object_store_failed');
  await rejects(Array.fromAsync(partials.list()), 'object_store_failed');
});

test('a full disk keeps what it took, and goes on once there is room', { skip: smallDiskSkip }, async () => {
  await using disk = await smallDisk(8);
  const partials = fileSystemPartials(disk.path);
  await writeFile(join(disk.path, 'in-the-way'), randomBytes(3_000_000));
  const bytes = randomBytes(7_000_000);
  await partials.create('aa', key('x'));
  const first = await partials.append('aa', 0, inPieces(bytes.subarray(0, 1_000_000)), ALL);
  await rejects(partials.append('aa', first, inPieces(bytes.subarray(first)), ALL), 'object_store_full');
  const reached = await partials.size('aa');
  assert.ok(reached >= first && reached < 5_500_000, `${reached} bytes are there`);
  assert.ok(((await partials.freeBytes()) ?? 0) < 1_000_000);
  await rm(join(disk.path, 'in-the-way'));
  assert.equal(await partials.append('aa', reached, inPieces(bytes.subarray(reached)), ALL), 7_000_000);
  await partials.finish('aa', key('x'));
  assert.deepEqual(await readFile(join(disk.path, 'x')), bytes);
  assert.deepEqual(await keysOf(fileSystemStore(disk.path), ''), ['x']);
});

function inPieces(bytes: Uint8Array): ReadableStream<Uint8Array> {
  const count = Math.ceil(bytes.length / 65_536);
  return ReadableStream.from(
    Array.from({ length: count }, (_, index) => bytes.subarray(index * 65_536, (index + 1) * 65_536)),
  );
}
