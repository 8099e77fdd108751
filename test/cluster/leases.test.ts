import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { embeddedLeases } from '../../src/cluster/leases.ts';
import { PostgresLeases } from '../../src/cluster/postgres-leases.ts';
import { rejects } from '../contracts/object-store.contract.ts';
import { testLeases } from '../contracts/leases.contract.ts';
import { postgres, type PostgresServer, startPostgres } from '../fixtures/postgres.ts';

testLeases('those of one process', async () => {
  const leases = embeddedLeases();
  return { join: async () => leases, [Symbol.asyncDispose]: async () => {} };
});

describe('advisory locks', { skip: postgres.skip }, () => {
  let server: PostgresServer;
  let url: string;
  before(async () => {
    server = await startPostgres();
    url = await server.createDatabase();
  });
  after(() => server[Symbol.asyncDispose]());

  testLeases('PostgreSQL', async () => {
    const stack = new AsyncDisposableStack();
    return {
      join: async () => stack.use(new PostgresLeases(url)),
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  });

  test('whoever loses the database loses what it held, and can hold it again later', async () => {
    await using here = new PostgresLeases(url);
    await using there = new PostgresLeases(url);
    const holding = here.tryHold('a', async (lost) => {
      await server.kill();
      if (!lost.aborted) await new Promise((resolve) => lost.addEventListener('abort', resolve));
      await rejects(
        here.tryHold('b', async () => 1),
        'unavailable',
      );
      await server.start();
      return there.tryHold('a', async () => 'taken over');
    });
    assert.deepEqual(await holding, { result: { result: 'taken over' } });
    assert.deepEqual(await here.tryHold('a', async () => 2), { result: 2 });
  });
});
