import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { openSqliteCatalog } from '../../src/catalog/sqlite.ts';
import { rejects } from '../contracts/object-store.contract.ts';
import {
  bareVideo,
  mediaVideo,
  NOW,
  packageVideo,
  testVideoRepository,
} from '../contracts/video-repository.contract.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';

testVideoRepository('SQLite', async () => {
  const folder = await temporaryFolder();
  const catalog = await openSqliteCatalog({ file: join(folder.path, 'catalog.db'), now: () => NOW });
  return {
    videos: catalog.videos,
    async [Symbol.asyncDispose]() {
      await catalog.close();
      await folder[Symbol.asyncDispose]();
    },
  };
});

test('what was written is there after the catalog was closed and opened again', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'made/for/it/catalog.db');
  const [kept, changed] = [packageVideo(), mediaVideo()];
  const first = await openSqliteCatalog({ file, now: () => NOW });
  await first.videos.insert(kept);
  await first.videos.insert(changed);
  await first.videos.update(changed.id, { title: 'changed' });
  await first.close();
  const second = await openSqliteCatalog({ file, now: () => NOW });
  assert.deepEqual(await second.videos.get(kept.id), kept);
  assert.equal((await second.videos.get(changed.id))?.title, 'changed');
  await second.close();
});

test('reading does not wait for another process that writes', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'catalog.db');
  const catalog = await openSqliteCatalog({ file, now: () => NOW });
  const video = bareVideo();
  await catalog.videos.insert(video);
  const other = new DatabaseSync(file);
  assert.deepEqual({ ...other.prepare('pragma journal_mode').get() }, { journal_mode: 'wal' });
  other.exec('begin immediate');
  other.exec("update videos set title = 'half done'");
  assert.equal((await catalog.videos.get(video.id))?.title, video.title);
  other.exec('rollback');
  other.close();
  await catalog.close();
});

test('content that this version does not understand is left out, and the rest stays usable', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'catalog.db');
  const catalog = await openSqliteCatalog({ file, now: () => NOW });
  const { content, ...rest } = mediaVideo();
  assert.ok(content);
  await catalog.videos.insert({ ...rest, content });
  const other = new DatabaseSync(file);
  const strange = ['{"kind":"media","source":{}}', '{"kind":"hologram"}', '{"half":', 'null', '[]', ''];
  for (const json of strange) {
    other.prepare('update videos set content = ?').run(json);
    assert.deepEqual(await catalog.videos.get(rest.id), rest, json);
    assert.deepEqual((await catalog.videos.list({ limit: 1 })).items, [rest]);
  }
  other.close();
  const mended = await catalog.videos.update(rest.id, { content });
  assert.deepEqual(mended?.content, content);
  await catalog.close();
});

test('captions that this version does not understand are left out', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'catalog.db');
  const catalog = await openSqliteCatalog({ file, now: () => NOW });
  const video = bareVideo();
  await catalog.videos.insert(video);
  const other = new DatabaseSync(file);
  other.prepare('update videos set captions = ?').run('[{"origin":"telepathy"}]');
  other.close();
  assert.deepEqual(await catalog.videos.get(video.id), video);
  await catalog.close();
});

test('says what is wrong with a file that is no catalog, or one of a newer version', async () => {
  await using folder = await temporaryFolder();
  const text = join(folder.path, 'text.db');
  await writeFile(text, 'this is certainly not a database, however long one looks at it'.repeat(50));
  await rejects(openSqliteCatalog({ file: text, now: () => NOW }), 'config_invalid');

  const newer = join(folder.path, 'newer.db');
  await (await openSqliteCatalog({ file: newer, now: () => NOW })).close();
  const other = new DatabaseSync(newer);
  other.exec("insert into kysely_migration values ('999-future', '2099-01-01T00:00:00.000Z')");
  other.close();
  await rejects(openSqliteCatalog({ file: newer, now: () => NOW }), 'config_invalid');

  await rejects(openSqliteCatalog({ file: folder.path, now: () => NOW }), 'unavailable');
  await rejects(openSqliteCatalog({ file: join(text, 'below/a/file.db'), now: () => NOW }), 'unavailable');
});

test('a migration that fails leaves the file as it was', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'catalog.db');
  // In the way of the index that the migration makes after its table.
  const before = new DatabaseSync(file);
  before.exec('create table videos_status (x)');
  before.close();
  await assert.rejects(openSqliteCatalog({ file, now: () => NOW }));
  const after = new DatabaseSync(file);
  const tables = after.prepare("select name from sqlite_schema where type = 'table'").all();
  assert.deepEqual(
    tables.map(({ name }) => name),
    ['videos_status'],
  );
  after.close();
});

test('several processes may open a new catalog at once', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'catalog.db');
  const module = new URL('../../src/catalog/sqlite.ts', import.meta.url).href;
  const ready = new Int32Array(new SharedArrayBuffer(4));
  const workers = 4;
  const code = `
    import { workerData } from 'node:worker_threads';
    import { openSqliteCatalog } from ${JSON.stringify(module)};
    const { ready } = workerData;
    Atomics.add(ready, 0, 1);
    Atomics.notify(ready, 0);
    for (let count; (count = Atomics.load(ready, 0)) < ${workers}; ) Atomics.wait(ready, 0, count);
    const catalog = await openSqliteCatalog({ file: ${JSON.stringify(file)}, now: () => new Date() });
    await catalog.ping();
    await catalog.close();
  `;
  const exits = Array.from({ length: workers }, () => {
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
      workerData: { ready },
    });
    return new Promise((resolve, reject) => worker.on('error', reject).on('exit', resolve));
  });
  assert.deepEqual(
    await Promise.all(exits),
    exits.map(() => 0),
  );
});

test('answers a ping until it is closed', async () => {
  await using folder = await temporaryFolder();
  const catalog = await openSqliteCatalog({ file: join(folder.path, 'catalog.db'), now: () => NOW });
  await catalog.ping();
  await catalog.close();
  await rejects(catalog.ping(), 'unavailable');
});
