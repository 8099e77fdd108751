/** What all leases do. Their test calls this with a way to make processes that compete. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Leases } from '../../src/cluster/leases.ts';
import { holdWhenFree } from '../../src/pipeline/hold-when-free.ts';

/** `join` gives the leases of one more process; for those of one process alone, the same again. */
export type LeasesUnderTest = AsyncDisposable & { join(): Promise<Leases> };

/** Registers the tests of `subject`. */
export function testLeases(subject: string, make: () => Promise<LeasesUnderTest>): void {
  describe(`${subject} are leases`, () => {
    test('a name is held by one at a time, and other names are free meanwhile', async () => {
      await using made = await make();
      const [here, there] = [await made.join(), await made.join()];
      const held = await here.tryHold('a', async () => {
        assert.equal(await here.tryHold('a', async () => 1), undefined);
        assert.equal(await there.tryHold('a', async () => 2), undefined);
        assert.deepEqual(await there.tryHold('b', async () => 3), { result: 3 });
        return 4;
      });
      assert.deepEqual(held, { result: 4 });
      assert.deepEqual(await there.tryHold('a', async () => 5), { result: 5 });
    });

    test('it is free again after the work has failed', async () => {
      await using made = await make();
      const [here, there] = [await made.join(), await made.join()];
      await assert.rejects(
        here.tryHold('a', () => Promise.reject(new Error('it broke'))),
        /it broke/,
      );
      assert.deepEqual(await there.tryHold('a', async () => 1), { result: 1 });
    });

    test('of many who want it, each gets it, one after the other', async () => {
      await using made = await make();
      const closing = new AbortController();
      let running = 0;
      const done = new Set<number>();
      const everybody = Promise.withResolvers<void>();
      const waiting = {
        signal: closing.signal,
        retryMs: 5,
        onError: (error: unknown) => assert.fail(String(error)),
      };
      const loops = Array.from({ length: 4 }, async (_, index) => {
        const work = async (): Promise<void> => {
          assert.equal(++running, 1);
          await sleep(10);
          running--;
          done.add(index);
          if (done.size === 4) everybody.resolve();
        };
        await holdWhenFree(await made.join(), 'a', work, waiting);
      });
      await everybody.promise;
      closing.abort();
      await Promise.all(loops);
    });
  });
}
