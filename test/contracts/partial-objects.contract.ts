/** What partial objects of every kind do. An adapter's test calls this with a way to make an empty place for them. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import * as fc from '../fast-check.ts';
import { parseObjectKey as key } from '../../src/storage/object-key.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import type { PartialObjects } from '../../src/storage/partial-objects.ts';
import { bytesOf, keysOf, rejects, text, textOf } from './object-store.contract.ts';

/** Empty, with the store that finished objects appear in. */
export type PartialsUnderTest = AsyncDisposable & {
  readonly partials: PartialObjects;
  readonly store: ObjectStore;
};

const NAME = '0123456789abcdef';
const OTHER = 'fedcba';
/** What they become. */
const TARGET = key('made/x');
const ALL = { limitBytes: 1e9 };

/** Registers the tests of `subject`. Each of them calls `make` for a place of its own. */
export function testPartialObjects(subject: string, make: () => Promise<PartialsUnderTest>): void {
  describe(`${subject} keeps partial objects`, () => {
    test('an object grows piece by piece, and is one of the store once it is finished', async () => {
      await using made = await make();
      const { partials, store } = made;
      const bytes = randomBytes(3_000_000);
      await partials.create(NAME, TARGET);
      assert.equal(await partials.size(NAME), 0);
      assert.equal(
        await partials.append(NAME, 0, inChunks(bytes.subarray(0, 1_500_001), 65_536), ALL),
        1_500_001,
      );
      assert.equal(
        await partials.append(NAME, 1_500_001, inChunks(bytes.subarray(1_500_001), 7), ALL),
        3_000_000,
      );
      assert.equal(await partials.size(NAME), 3_000_000);
      assert.deepEqual(await keysOf(store, ''), [], 'nothing of it is to be seen before its end');
      const info = await partials.finish(NAME, TARGET);
      assert.deepEqual(info, await store.head(TARGET));
      assert.deepEqual(await bytesOf((await store.get(TARGET)).body), bytes);
      await rejects(partials.size(NAME), 'object_not_found');
    });

    test('pieces of any sizes make the same object', async () => {
      await using made = await make();
      const { partials, store } = made;
      const pieces = fc.array(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 4 }), { maxLength: 4 });
      await fc.assert(
        fc.asyncProperty(pieces, async (appends) => {
          await partials.create(NAME, TARGET);
          let size = 0;
          for (const chunks of appends) {
            size = await partials.append(NAME, size, ReadableStream.from(chunks), ALL);
            assert.equal(await partials.size(NAME), size);
          }
          await partials.finish(NAME, TARGET);
          assert.deepEqual(await bytesOf((await store.get(TARGET)).body), Buffer.concat(appends.flat()));
        }),
        { numRuns: 20 },
      );
    });

    test('finishing replaces what was there', async () => {
      await using made = await make();
      await made.store.put(TARGET, text('before'));
      await made.partials.create(NAME, TARGET);
      await made.partials.append(NAME, 0, ReadableStream.from([text('after')]), ALL);
      await made.partials.finish(NAME, TARGET);
      assert.equal(await textOf(made.store, 'made/x'), 'after');
    });

    test('a body that breaks off leaves what had arrived', async () => {
      await using made = await make();
      const { partials } = made;
      await partials.create(NAME, TARGET);
      const failing = ReadableStream.from(
        (async function* () {
          yield randomBytes(2_000_000);
          yield text('and some');
          throw new Error('broken off');
        })(),
      );
      await assert.rejects(partials.append(NAME, 0, failing, ALL), /broken off/);
      assert.equal(await partials.size(NAME), 2_000_008);
      assert.equal(await partials.append(NAME, 2_000_008, ReadableStream.from([text('!')]), ALL), 2_000_009);
    });

    test('a signal cuts off a body that stands still, and what had arrived stays', async () => {
      await using made = await make();
      const { partials } = made;
      await partials.create(NAME, TARGET);
      const controller = new AbortController();
      let cancelled = false;
      const body = new ReadableStream<Uint8Array>({
        start: (stream) => stream.enqueue(text('five!')),
        pull: () => new Promise(() => {}),
        cancel: () => {
          cancelled = true;
        },
      });
      const append = partials.append(NAME, 0, body, { ...ALL, signal: controller.signal });
      setTimeout(() => controller.abort(), 50);
      await rejects(append, 'aborted');
      assert.ok(cancelled);
      assert.equal(await partials.size(NAME), 5);
      const late = partials.append(NAME, 5, ReadableStream.from([text('x')]), {
        ...ALL,
        signal: AbortSignal.abort(),
      });
      await rejects(late, 'aborted');
      assert.equal(await partials.size(NAME), 5);
    });

    test('a signal that fires at any moment cuts off a body that never begins', async () => {
      await using made = await make();
      const { partials } = made;
      await partials.create(NAME, TARGET);
      for (let milliseconds = 0; milliseconds < 20; milliseconds++) {
        const controller = new AbortController();
        const { signal } = controller;
        const append = partials.append(NAME, 0, new ReadableStream(), { ...ALL, signal });
        setTimeout(() => controller.abort(), milliseconds);
        await rejects(append, 'aborted');
      }
      assert.equal(await partials.size(NAME), 0);
    });

    test('an offset that is not the end changes nothing', async () => {
      await using made = await make();
      const { partials } = made;
      await partials.create(NAME, TARGET);
      await partials.append(NAME, 0, ReadableStream.from([text('four')]), ALL);
      for (const offset of [0, 3, 5]) {
        await rejects(
          partials.append(NAME, offset, ReadableStream.from([text('x')]), ALL),
          'invalid_request',
        );
      }
      assert.equal(await partials.size(NAME), 4);
    });

    test('bytes beyond the limit are refused, and those within it kept', async () => {
      await using made = await make();
      const { partials } = made;
      await partials.create(NAME, TARGET);
      const limit = { limitBytes: 6 };
      assert.equal(await partials.append(NAME, 0, ReadableStream.from([text('four')]), limit), 4);
      await rejects(
        partials.append(NAME, 4, ReadableStream.from([text('56'), text('7')]), limit),
        'source_too_large',
      );
      assert.equal(await partials.size(NAME), 6);
      assert.equal(await partials.append(NAME, 6, ReadableStream.from([]), limit), 6);
    });

    test('nothing can be done to what is not there', async () => {
      await using made = await make();
      const { partials } = made;
      await rejects(partials.size(NAME), 'object_not_found');
      await rejects(partials.append(NAME, 0, ReadableStream.from([text('x')]), ALL), 'object_not_found');
      await rejects(partials.finish(NAME, TARGET), 'object_not_found');
      await partials.remove(NAME);
    });

    test('lists what is unfinished, and removes it', async () => {
      await using made = await make();
      const { partials, store } = made;
      assert.deepEqual(await Array.fromAsync(partials.list()), []);
      await partials.create(NAME, TARGET);
      await partials.create(OTHER, TARGET);
      await partials.append(OTHER, 0, ReadableStream.from([text('three')]), ALL);
      const listed = await Array.fromAsync(partials.list());
      assert.deepEqual(
        listed.map(({ name, bytes }) => ({ name, bytes })).toSorted((a, b) => a.bytes - b.bytes),
        [
          { name: NAME, bytes: 0 },
          { name: OTHER, bytes: 5 },
        ],
      );
      assert.ok(listed.every(({ modifiedAt }) => Math.abs(modifiedAt.getTime() - Date.now()) < 60_000));
      await partials.remove(NAME);
      await partials.finish(OTHER, TARGET);
      assert.deepEqual(await Array.fromAsync(partials.list()), []);
      assert.deepEqual(await keysOf(store, ''), ['made/x']);
    });

    test('names are hex digits and nothing else', async () => {
      await using made = await make();
      for (const name of ['', '..', '../a', 'a/b', 'A', 'g', 'a\0']) {
        await rejects(made.partials.create(name, TARGET), 'invalid_request');
      }
    });

    test('says how much room there is, where it knows', async () => {
      await using made = await make();
      const free = await made.partials.freeBytes();
      assert.ok(free === undefined || (Number.isSafeInteger(free) && free > 0));
    });
  });
}

function inChunks(bytes: Uint8Array, chunkBytes: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(at, at + chunkBytes));
      at += chunkBytes;
    },
  });
}
