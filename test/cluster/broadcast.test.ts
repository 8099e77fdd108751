import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Broadcast, embeddedBroadcast } from '../../src/cluster/broadcast.ts';
import { openPostgresBroadcast } from '../../src/cluster/postgres-broadcast.ts';
import { openPool } from '../../src/postgres/pool.ts';
import { collect, testBroadcast } from '../contracts/broadcast.contract.ts';
import { postgres, type PostgresServer, startPostgres } from '../fixtures/postgres.ts';

testBroadcast('within one process', async () => {
  const broadcast = embeddedBroadcast();
  return { join: async () => broadcast, [Symbol.asyncDispose]: async () => {} };
});

describe('LISTEN and NOTIFY', { skip: postgres.skip }, () => {
  let server: PostgresServer;
  let url: string;
  before(async () => {
    server = await startPostgres();
    url = await server.createDatabase();
  });
  after(() => server[Symbol.asyncDispose]());

  const processes = async () => {
    const stack = new AsyncDisposableStack();
    const errors: unknown[] = [];
    return {
      errors,
      async join(): Promise<Broadcast> {
        const pool = stack.adopt(openPool({ url, size: 2 }), (open) => open.end());
        return stack.use(await openPostgresBroadcast({ pool, url, onError: (error) => errors.push(error) }));
      },
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  };

  testBroadcast('PostgreSQL', processes);

  test('a message that is too long is reported and harms nobody', async () => {
    await using made = await processes();
    const [here, there] = [await made.join(), await made.join()];
    const arrived = collect(there, 'a', 1);
    here.publish('a', 'x'.repeat(9000));
    here.publish('a', 'short');
    assert.deepEqual(await arrived, ['short']);
    assert.equal(made.errors.length, 1);
  });

  test('after the database was away it is heard again, and those who listen know that they missed something', async () => {
    await using made = await processes();
    const [here, there] = [await made.join(), await made.join()];
    const missed = Promise.withResolvers<void>();
    there.onMissed(() => missed.resolve());
    await server.kill();
    here.publish('a', 'lost');
    await server.start();
    await missed.promise;
    const arrived = collect(there, 'a', 1);
    here.publish('a', 'heard');
    assert.deepEqual(await arrived, ['heard']);
  });
});
