import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { openPostgresCatalog } from '../../src/catalog/postgres.ts';
import { isAppError } from '../../src/errors.ts';
import { testChunkRepository } from '../contracts/chunk-repository.contract.ts';
import { rejects } from '../contracts/object-store.contract.ts';
import { testUploadRepository } from '../contracts/upload-repository.contract.ts';
import { bareVideo, mediaVideo, NOW, testVideoRepository } from '../contracts/video-repository.contract.ts';
import { postgres, type PostgresServer, startPostgres } from '../fixtures/postgres.ts';
import { until } from '../until.ts';

const POOL_SIZE = 4;

describe('PostgreSQL', { skip: postgres.skip }, () => {
  let server: PostgresServer;
  /** One for all contracts, emptied for each test: a new one would cost more than the tests. */
  let shared: { readonly url: string; readonly catalog: Catalog };
  before(async () => {
    server = await startPostgres();
    const url = await server.createDatabase();
    shared = { url, catalog: await open(url) };
  });
  after(async () => {
    await shared.catalog.close();
    await server[Symbol.asyncDispose]();
  });

  const openEmpty = async (): Promise<Catalog & AsyncDisposable> => {
    await query(shared.url, 'truncate videos, uploads cascade');
    return { ...shared.catalog, close: leaveOpen, [Symbol.asyncDispose]: leaveOpen };
  };

  testVideoRepository('PostgreSQL', openEmpty);
  testUploadRepository('PostgreSQL', openEmpty);
  testChunkRepository('PostgreSQL', openEmpty);

  test('several processes may open a new catalog at once', async () => {
    const url = await server.createDatabase();
    const catalogs = await Promise.all(Array.from({ length: 6 }, () => open(url)));
    await catalogs[0]!.videos.insert(mediaVideo());
    for (const { videos } of catalogs) assert.equal((await videos.list({ limit: 10 })).items.length, 1);
    await Promise.all(catalogs.map((catalog) => catalog.close()));
  });

  test('a database that a newer Sluice has written to is left alone', async () => {
    const url = await server.createDatabase();
    await (await open(url)).close();
    await query(url, "insert into kysely_migration values ('999-later', '2099-01-01')");
    await rejects(open(url), 'config_invalid');
  });

  test('says what is wrong with an address', async () => {
    const url = await server.createDatabase();
    await rejects(open(url.replace(/[^/]*$/, 'missing')), 'config_invalid');
    await rejects(open('postgres://postgres@127.0.0.1:1/none'), 'unavailable');
    await rejects(open('postgres://postgres@database.invalid/none'), 'unavailable');
  });

  test('a text that PostgreSQL cannot keep is a bad request', async () => {
    await using catalog = await openEmpty();
    await rejects(catalog.videos.insert(bareVideo({ title: 'a\0b' })), 'invalid_request');
  });

  test('connections that are cut at any moment cost their own statements at most', async () => {
    const url = await server.createDatabase();
    const catalog = await open(url);
    const video = bareVideo();
    await catalog.videos.insert(video);
    const end = Date.now() + 1500;
    const outcomes = { well: 0, refused: 0 };
    const reader = async (): Promise<void> => {
      while (Date.now() < end) {
        try {
          assert.equal((await catalog.videos.get(video.id))?.id, video.id);
          outcomes.well++;
        } catch (error) {
          if (!isAppError(error, 'unavailable')) throw error;
          outcomes.refused++;
        }
      }
    };
    const cutter = async (): Promise<void> => {
      const others = `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`;
      while (Date.now() < end) {
        await query(url, others);
        await sleep(5);
      }
    };
    await Promise.all([...Array.from({ length: 2 * POOL_SIZE }, reader), cutter()]);
    assert.ok(outcomes.well > 0 && outcomes.refused > 0, JSON.stringify(outcomes));
    // The last ones may be cut a moment after they were told to.
    await until('nothing is cut any more', 10_000, () =>
      catalog.ping().then(
        () => true,
        () => undefined,
      ),
    );
    await catalog.close();
  });

  test('while the database is away everything is unavailable, and works again when it is back', async () => {
    const catalog = await open(await server.createDatabase());
    const video = bareVideo();
    await catalog.videos.insert(video);
    await server.kill();
    await rejects(catalog.videos.get(video.id), 'unavailable');
    await rejects(catalog.ping(), 'unavailable');
    await server.start();
    assert.equal((await catalog.videos.get(video.id))?.id, video.id);
    await catalog.close();
    await rejects(catalog.ping(), 'unavailable');
  });
});

function open(url: string): Promise<Catalog> {
  return openPostgresCatalog({ url, now: () => NOW, poolSize: POOL_SIZE, onError: () => {} });
}

async function leaveOpen(): Promise<void> {}

async function query(url: string, text: string): Promise<void> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  await client.query(text);
  await client.end();
}
