import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { AppError } from '../../src/errors.ts';
import { fileSystemStore, prepareFolder } from '../../src/storage/file-system.ts';
import { readError, storeError } from '../../src/storage/file-system-errors.ts';
import { parseObjectKey as key } from '../../src/storage/object-key.ts';
import {
  bytesOf,
  keysOf,
  rejects,
  testObjectStore,
  text,
  textOf,
} from '../contracts/object-store.contract.ts';
import { temporaryFolder } from './temporary-folder.ts';

testObjectStore('a folder', async () => {
  const folder = await temporaryFolder();
  return { store: fileSystemStore(folder.path), [Symbol.asyncDispose]: folder[Symbol.asyncDispose] };
});

test('a key is the path of its file', async () => {
  await using folder = await temporaryFolder();
  const store = fileSystemStore(folder.path);
  await store.put(key('a/b c/d.mp4'), text('hello'));
  assert.equal(await readFile(join(folder.path, 'a', 'b c', 'd.mp4'), 'utf8'), 'hello');
  await writeFile(join(folder.path, 'a', 'by hand'), 'there');
  assert.deepEqual(await keysOf(store, ''), ['a/b c/d.mp4', 'a/by hand']);
});

test('puts that fail leave no temporary file, and deletions no empty folder', async () => {
  await using folder = await temporaryFolder();
  const store = fileSystemStore(folder.path);
  await store.put(key('a/b/c'), text('x'));
  await store.delete(key('a/b/c'));
  await store.put(key('d/e/f'), text('x'));
  await store.deletePrefix(key('d/e'));
  const failing = ReadableStream.from(
    (async function* () {
      yield text('some');
      throw new Error('gone');
    })(),
  ) as ReadableStream<Uint8Array>;
  await assert.rejects(store.put(key('new'), failing), /gone/);
  await store.put(key('full/object'), text('x'));
  await rejects(store.put(key('full'), text('x')), 'object_store_failed');
  await store.delete(key('full/object'));
  assert.deepEqual(await readdir(folder.path), ['.sluice-tmp']);
  assert.deepEqual(await readdir(join(folder.path, '.sluice-tmp')), []);
});

test('a put does not fail when its object is deleted, folder and all, before the put is durable', async () => {
  await using folder = await temporaryFolder();
  const store = fileSystemStore(folder.path);
  const end = Date.now() + 500;
  const repeat = async (action: () => Promise<unknown>): Promise<void> => {
    while (Date.now() < end) await action();
  };
  const deletions = Array.from({ length: 4 }, () => repeat(() => store.delete(key('hot/object'))));
  await Promise.all([repeat(() => store.put(key('hot/object'), text('x'))), ...deletions]);
});

test('what is still being written is no object', async () => {
  await using folder = await temporaryFolder();
  const store = fileSystemStore(folder.path);
  await mkdir(join(folder.path, '.sluice-tmp'));
  await writeFile(join(folder.path, '.sluice-tmp', 'half'), 'ha');
  await symlink('.sluice-tmp/half', join(folder.path, 'link'));
  const half = key('.sluice-tmp/half');
  assert.deepEqual(await keysOf(store, ''), []);
  assert.deepEqual(await keysOf(store, '.sluice-tmp'), []);
  await rejects(store.get(half), 'object_not_found');
  await rejects(store.get(key('link')), 'object_not_found');
  await rejects(store.put(half, text('x')), 'object_store_failed');
  await store.delete(half);
  await store.deletePrefix(key('.sluice-tmp'));
  assert.deepEqual(await readdir(join(folder.path, '.sluice-tmp')), ['half']);
});

test('the start makes the folder, and clears up after puts that died, not after those under way', async () => {
  await using folder = await temporaryFolder();
  const root = join(folder.path, 'not/there/yet');
  await prepareFolder(root, Date.now());
  const temporary = join(root, '.sluice-tmp');
  await mkdir(temporary);
  const now = Date.now();
  for (const [name, ageMinutes] of [
    ['dead', 90],
    ['alive', 5],
  ] as const) {
    await writeFile(join(temporary, name), 'x');
    await utimes(join(temporary, name), new Date(), new Date(now - ageMinutes * 60_000));
  }
  await prepareFolder(root, now);
  assert.deepEqual(await readdir(temporary), ['alive']);
});

test('links to files inside are objects; links that lead out, to folders or to nothing are not', async () => {
  await using outside = await temporaryFolder();
  await using folder = await temporaryFolder();
  const store = fileSystemStore(folder.path);
  await writeFile(join(outside.path, 'secret'), 'secret');
  await mkdir(join(folder.path, 'real'));
  await writeFile(join(folder.path, 'real', 'file'), 'inside');
  await symlink('real/file', join(folder.path, 'to-file'));
  await symlink('real', join(folder.path, 'to-folder'));
  await symlink('.', join(folder.path, 'circle'));
  await symlink('loop', join(folder.path, 'loop'));
  await symlink('nothing', join(folder.path, 'dangling'));
  await symlink(join(outside.path, 'secret'), join(folder.path, 'out'));
  await symlink(outside.path, join(folder.path, 'out-folder'));
  await symlink(
    join('..', outside.path.split('/').at(-1) ?? '', 'secret'),
    join(folder.path, 'out-relative'),
  );

  assert.deepEqual(await keysOf(store, ''), ['real/file', 'to-file']);
  assert.equal(await textOf(store, 'to-file'), 'inside');
  for (const name of ['to-folder', 'circle/real/file', 'loop', 'dangling', 'out', 'out-relative']) {
    await rejects(store.get(key(name)), 'object_not_found');
  }
  await rejects(store.head(key('out-folder/secret')), 'object_not_found');
  await rejects(store.get(key('to-folder/file')), 'object_not_found');
  assert.deepEqual(await keysOf(store, 'out-folder'), []);
  assert.deepEqual(await keysOf(store, 'to-folder'), []);
});

test('nothing is written or deleted through a link', async () => {
  await using outside = await temporaryFolder();
  await using folder = await temporaryFolder();
  const store = fileSystemStore(folder.path);
  await mkdir(join(outside.path, 'inner'));
  await writeFile(join(outside.path, 'inner', 'file'), 'mine');
  await symlink(outside.path, join(folder.path, 'link'));
  await symlink(join(outside.path, 'inner', 'file'), join(folder.path, 'file-link'));
  await rejects(store.put(key('link/new'), text('x')), 'object_store_failed');
  await rejects(store.put(key('link/inner/new'), text('x')), 'object_store_failed');
  await store.delete(key('link/inner/file'));
  await store.deletePrefix(key('link/inner'));
  await store.deletePrefix(key('link'));
  await store.put(key('file-link'), text('replaced the link'));
  await store.delete(key('file-link'));
  assert.equal(await readFile(join(outside.path, 'inner', 'file'), 'utf8'), 'mine');
  assert.deepEqual(await readdir(outside.path), ['inner']);
});

test('the root itself may be a link, and be pointed elsewhere', async () => {
  await using folder = await temporaryFolder();
  for (const name of ['one', 'two']) {
    await mkdir(join(folder.path, name));
    await writeFile(join(folder.path, name, 'which'), name);
  }
  const root = join(folder.path, 'current');
  await symlink('one', root);
  const store = fileSystemStore(root);
  assert.equal(await textOf(store, 'which'), 'one');
  await rm(root);
  await symlink('two', root);
  assert.equal(await textOf(store, 'which'), 'two');
  await store.put(key('put/here'), text('x'));
  assert.deepEqual(await readdir(join(folder.path, 'two', 'put')), ['here']);
});

test('a root that is not there is a failure, not an empty store', async () => {
  await using folder = await temporaryFolder();
  const store = fileSystemStore(join(folder.path, 'unplugged'));
  await rejects(keysOf(store, ''), 'object_store_failed');
  await rejects(store.get(key('x')), 'object_store_failed');
  await rejects(store.head(key('x')), 'object_store_failed');
  await rejects(store.put(key('x'), text('x')), 'object_store_failed');
  await rejects(store.delete(key('x')), 'object_store_failed');
  assert.deepEqual(await readdir(folder.path), []);
});

test('pipes and folders are no objects, and nobody waits for them', { timeout: 30_000 }, async () => {
  await using folder = await temporaryFolder();
  const store = fileSystemStore(folder.path);
  execFileSync('mkfifo', [join(folder.path, 'pipe')]);
  await mkdir(join(folder.path, 'folder'));
  assert.deepEqual(await keysOf(store, ''), []);
  await rejects(store.get(key('pipe')), 'object_not_found');
  await rejects(store.get(key('folder')), 'object_not_found');
  await store.delete(key('folder'));
  assert.deepEqual(await readdir(folder.path), ['folder', 'pipe']);
});

test('names that no key can have are left out of the list', async () => {
  await using folder = await temporaryFolder();
  const store = fileSystemStore(folder.path);
  await writeFile(Buffer.concat([Buffer.from(`${folder.path}/bad-`), Buffer.from([0xff, 0xfe])]), 'x');
  await writeFile(join(folder.path, 'back\\slash'), 'x');
  await writeFile(join(folder.path, 'good'), 'x');
  assert.deepEqual(await keysOf(store, ''), ['good']);
});

test('a name too long for the file system cannot be put, and is not there', async () => {
  await using folder = await temporaryFolder();
  const store = fileSystemStore(folder.path);
  const long = key('x'.repeat(300));
  await rejects(store.put(long, text('x')), 'object_store_failed');
  await rejects(store.get(long), 'object_not_found');
  await store.delete(long);
});

test('a file in the way of a folder fails the put', async () => {
  await using folder = await temporaryFolder();
  const store = fileSystemStore(folder.path);
  await store.put(key('a'), text('x'));
  await rejects(store.put(key('a/b'), text('x')), 'object_store_failed');
  await rejects(store.put(key('a/b/c'), text('x')), 'object_store_failed');
  assert.deepEqual(await keysOf(store, ''), ['a']);
});

test('a file that becomes shorter while it is read fails the read', async () => {
  await using folder = await temporaryFolder();
  const store = fileSystemStore(folder.path);
  await store.put(key('x'), new Uint8Array(3_000_000));
  const { body } = await store.get(key('x'));
  await truncate(join(folder.path, 'x'), 1_000_000);
  await rejects(bytesOf(body), 'object_store_failed');
});

test('files and folders may vanish while they are listed', async () => {
  await using folder = await temporaryFolder();
  const store = fileSystemStore(folder.path);
  const names = Array.from({ length: 400 }, (_, index) => `f${index % 20}/${index}`);
  for (let at = 0; at < 20; at++) await mkdir(join(folder.path, `f${at}`));
  await Promise.all(names.map((name) => writeFile(join(folder.path, name), 'x')));
  await writeFile(join(folder.path, 'stays'), 'x');
  let seen = 0;
  for await (const info of store.list('')) {
    if (seen++ === 0)
      for (let at = 0; at < 10; at++) await rm(join(folder.path, `f${at}`), { recursive: true });
    if (seen === 30) await rename(join(folder.path, 'f10'), join(folder.path, 'elsewhere'));
    assert.ok(info.bytes === 1);
  }
  assert.ok(seen >= 1 + 9 * 20 && seen <= 401, `${seen} listed`);
});

test('a disk that is unplugged while it is listed fails the list', async () => {
  await using folder = await temporaryFolder();
  const root = join(folder.path, 'disk');
  await mkdir(join(root, 'a'), { recursive: true });
  await writeFile(join(root, 'x'), 'x');
  await writeFile(join(root, 'a', 'x'), 'x');
  const listing = fileSystemStore(root).list('')[Symbol.asyncIterator]();
  await listing.next();
  await rename(root, join(folder.path, 'unplugged'));
  await rejects(
    (async () => {
      while (!(await listing.next()).done);
    })(),
    'object_store_failed',
  );
});

test('folders that we may not enter are left out', { skip: process.getuid?.() === 0 }, async () => {
  await using folder = await temporaryFolder();
  const store = fileSystemStore(folder.path);
  await store.put(key('open/x'), text('x'));
  await store.put(key('closed/x'), text('x'));
  await chmod(join(folder.path, 'closed'), 0);
  assert.deepEqual(await keysOf(store, ''), ['open/x']);
  await rejects(store.get(key('closed/x')), 'object_store_failed');
  await chmod(join(folder.path, 'closed'), 0o700);
});

test('errors say what is wrong, and never where', () => {
  for (const code of ['ENOSPC', 'EDQUOT'])
    assert.equal(codeWithoutPath(storeError(nodeError(code))), 'object_store_full');
  for (const code of ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG']) {
    assert.equal(codeWithoutPath(readError(nodeError(code))), 'object_not_found');
  }
  for (const code of ['EACCES', 'EIO', 'EMFILE', 'ESOMETHING']) {
    assert.equal(codeWithoutPath(readError(nodeError(code))), 'object_store_failed');
  }
  assert.match(storeError(nodeError('EACCES')).message, /permission denied/);
  const own = new AppError('aborted', 'given up');
  assert.equal(storeError(own), own);
});

test('a body that was dropped without being cancelled does not keep its file open for ever', {
  skip: process.platform !== 'linux',
}, async () => {
  await using folder = await temporaryFolder();
  const store = fileSystemStore(folder.path);
  await store.put(key('x'), new Uint8Array(3_000_000));
  const openFiles = async () => {
    const links = (await readdir('/proc/self/fd')).map((fd) =>
      readlink(`/proc/self/fd/${fd}`).catch(() => ''),
    );
    return (await Promise.all(links)).filter((target) => target.startsWith(folder.path)).length;
  };
  const open = async () => void (await store.get(key('x')));
  await open();
  assert.equal(await openFiles(), 1);
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  for (let round = 0; round < 100 && (await openFiles()) > 0; round++) {
    collectGarbage();
    await sleep(10);
  }
  assert.equal(await openFiles(), 0);
});

function nodeError(code: string): Error {
  return Object.assign(new Error(`${code}: open '/secret/place'`), { code });
}

function codeWithoutPath(error: AppError): string {
  assert.doesNotMatch(error.message, /secret|place/);
  return error.code;
}
