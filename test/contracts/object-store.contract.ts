/** What every object store does. An adapter's or a decorator's test calls this with a way to make an empty one. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from '../fast-check.ts';
import { isAppError, type ErrorCode } from '../../src/errors.ts';
import type { ByteRange } from '../../src/media/byte-range.ts';
import { type ObjectKey, parseObjectKey as key } from '../../src/storage/object-key.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';

/** An empty store, and how to get rid of it. */
export type StoreUnderTest = AsyncDisposable & { readonly store: ObjectStore };

/** Registers the tests of `subject`. Each of them calls `make` for a store of its own. */
export function testObjectStore(subject: string, make: () => Promise<StoreUnderTest>): void {
  describe(`${subject} is an object store`, () => {
    test('gives back what was put, and knows about it', async () => {
      await using made = await make();
      const bytes = randomBytes(70_000);
      const before = Date.now();
      const put = await made.store.put(key('a/b.bin'), bytes, { contentType: 'video/mp4' });
      const content = await made.store.get(key('a/b.bin'));
      assert.deepEqual(await bytesOf(content.body), bytes);
      assert.deepEqual(content.range, { start: 0, end: 69_999 });
      const { info } = content;
      assert.deepEqual(await made.store.head(key('a/b.bin')), info);
      assert.deepEqual(await infosOf(made.store, ''), [info]);
      assert.deepEqual([put.key, put.bytes, put.etag], ['a/b.bin', 70_000, info.etag]);
      assert.deepEqual([info.key, info.bytes], ['a/b.bin', 70_000]);
      assert.ok(Math.abs(info.modifiedAt.getTime() - before) < 60_000);
    });

    test('keeps an empty object', async () => {
      await using made = await make();
      await made.store.put(key('empty'), new Uint8Array());
      const content = await made.store.get(key('empty'));
      assert.deepEqual(content.range, { start: 0, end: -1 });
      assert.equal((await bytesOf(content.body)).length, 0);
      await rejects(made.store.get(key('empty'), { range: { start: 0 } }), 'range_not_satisfiable');
    });

    test('takes a stream, whatever its chunks', async () => {
      await using made = await make();
      await fc.assert(
        fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }), async (chunks) => {
          await made.store.put(key('streamed'), streamOf(chunks));
          const { body } = await made.store.get(key('streamed'));
          assert.deepEqual(await bytesOf(body), Buffer.concat(chunks));
        }),
        { numRuns: 25 },
      );
    });

    test('replaces an object whole, and its etag changes', async () => {
      await using made = await make();
      const first = await made.store.put(key('x'), text('the first, longer text'));
      const second = await made.store.put(key('x'), text('the second'));
      assert.notEqual(first.etag, second.etag);
      assert.equal(await textOf(made.store, 'x'), 'the second');
      assert.deepEqual(
        (await infosOf(made.store, '')).map(({ etag }) => etag),
        [second.etag],
      );
      // The same number of bytes, at almost the same moment.
      const third = await made.store.put(key('x'), text('the third!'));
      assert.notEqual(second.etag, third.etag);
    });

    test('reads any range, ends inclusive and cut off at the last byte', async () => {
      await using made = await make();
      const bytes = randomBytes(1000);
      await made.store.put(key('r'), bytes);
      const offset = fc.integer({ min: 0, max: 1200 });
      await fc.assert(
        fc.asyncProperty(offset, fc.option(offset, { nil: undefined }), async (start, end) => {
          const range: ByteRange = end === undefined ? { start } : { start, end };
          const isWrong = start >= 1000 || (end !== undefined && end < start);
          if (isWrong) return rejects(made.store.get(key('r'), { range }), 'range_not_satisfiable');
          const content = await made.store.get(key('r'), { range });
          const last = Math.min(end ?? 999, 999);
          assert.deepEqual(content.range, { start, end: last });
          assert.equal(content.info.bytes, 1000);
          assert.deepEqual(await bytesOf(content.body), bytes.subarray(start, last + 1));
        }),
        { numRuns: 60 },
      );
    });

    test('says object_not_found for what is not there', async () => {
      await using made = await make();
      await made.store.put(key('folder/object'), text('x'));
      for (const missing of ['nothing', 'folder', 'folder/object/below', 'folder/objec', 'no/such/folder']) {
        await rejects(made.store.get(key(missing)), 'object_not_found');
        await rejects(made.store.head(key(missing)), 'object_not_found');
      }
    });

    test('takes any valid key as it is', async () => {
      await using made = await make();
      const names = [
        `it's 100% #1? "yes"`,
        ' leading and trailing ',
        'שלום/עולם \u202e.mp4',
        '🎬/👩‍👩‍👧/🏴‍☠️.mkv',
        'e\u0301 decomposed',
        '\u00e9 composed',
        'a+b&c=d;e,f@g:h~i!$()*[]{}<>|^`',
        '%2e%2e/%2F',
        '...',
        '.hidden/.file',
        '-rf',
        'new\nline\ttab',
        `${'long'.repeat(50)}/${'part'.repeat(50)}/${'s'.repeat(200)}`,
        'CON',
        'constructor/__proto__',
      ];
      for (const name of names) await made.store.put(key(name), text(name));
      for (const name of names) assert.equal(await textOf(made.store, name), name);
      assert.deepEqual(await keysOf(made.store, ''), names.toSorted());
      for (const name of names) await made.store.delete(key(name));
      assert.deepEqual(await keysOf(made.store, ''), []);
    });

    test('agrees with a plain map on list, head, delete and deletePrefix', async () => {
      const part = fc.constantFrom('a', 'b', 'ab', 'a b');
      // Leaves end differently from folders: a file system cannot have both under one name.
      const path = fc
        .tuple(fc.array(part, { maxLength: 2 }), part)
        .map(([above, last]) => [...above, `${last}.x`].join('/'));
      const folder = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
      const step = fc.oneof(
        fc.record({ action: fc.constant('put' as const), at: path }),
        fc.record({ action: fc.constant('delete' as const), at: fc.oneof(path, folder) }),
        fc.record({ action: fc.constant('deletePrefix' as const), at: fc.oneof(path, folder) }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), folder, async (steps, prefix) => {
          await using made = await make();
          const model = new Map<string, number>();
          for (const [index, { action, at }] of steps.entries()) {
            if (action === 'put') await made.store.put(key(at), new Uint8Array(index));
            else await made.store[action](key(at));
            if (action === 'put') model.set(at, index);
            if (action === 'delete') model.delete(at);
            if (action === 'deletePrefix')
              for (const k of model.keys()) if (k.startsWith(`${at}/`)) model.delete(k);
          }
          const infos = await infosOf(made.store, '');
          assert.deepEqual(new Map(infos.map((info) => [String(info.key), info.bytes])), model);
          const below = [...model.keys()].filter((k) => k.startsWith(`${prefix}/`)).toSorted();
          assert.deepEqual(await keysOf(made.store, prefix), below);
        }),
        { numRuns: 30 },
      );
    });

    test('list finds nothing below what is not there', async () => {
      await using made = await make();
      assert.deepEqual(await keysOf(made.store, ''), []);
      await made.store.put(key('a/b'), text('x'));
      assert.deepEqual(await keysOf(made.store, 'a/b'), []);
      assert.deepEqual(await keysOf(made.store, 'none/such'), []);
    });

    test('deleting twice, or what never was, is no error', async () => {
      await using made = await make();
      await made.store.put(key('a/b'), text('x'));
      for (const at of ['a/b', 'a/b', 'never', 'never/was', 'a']) await made.store.delete(key(at));
      for (const at of ['a', 'never', 'never/was']) await made.store.deletePrefix(key(at));
      assert.deepEqual(await keysOf(made.store, ''), []);
    });

    test('readers see a whole object or the one before, however many write and delete', async () => {
      await using made = await make();
      const [end, latest] = [Date.now() + 600, Date.now() + 30_000];
      let reads = 0;
      const isOver = () => Date.now() > (reads > 0 ? end : latest);
      // Larger than one read of any adapter, each filled with its own byte, each of its own length.
      const write = async (fill: number) => {
        for (let round = 0; !isOver(); round++) {
          await made.store.put(key('hot/object'), new Uint8Array(300_000 + fill * 1000).fill(fill));
          if (round % 5 === 4) await made.store.delete(key('hot/object'));
        }
      };
      const read = async () => {
        while (!isOver()) {
          const bytes = await made.store.get(key('hot/object')).then(
            ({ body }) => bytesOf(body),
            (error: unknown) => {
              if (!isAppError(error, 'object_not_found')) throw error;
            },
          );
          const fill = bytes?.[0];
          if (bytes === undefined || fill === undefined) {
            // A store that answers at once would leave the writers no turn.
            await sleep(1);
            continue;
          }
          reads++;
          assert.equal(bytes.length, 300_000 + fill * 1000);
          assert.ok(bytes.every((byte) => byte === fill));
        }
      };
      await Promise.all([write(1), write(2), write(3), read(), read()]);
      assert.ok(reads > 0);
    });

    test('puts and deletes below one folder do not get in each other\u2019s way', async () => {
      await using made = await make();
      const work = async (own: string) => {
        for (let round = 0; round < 15; round++) {
          await made.store.put(key(`shared/deep/${own}/${round}`), text(own));
          await made.store.head(key(`shared/deep/${own}/${round}`));
          if (round % 2 === 0) await made.store.delete(key(`shared/deep/${own}/${round}`));
          else await made.store.deletePrefix(key(`shared/deep/${own}`));
        }
        await made.store.put(key(`shared/deep/${own}/last`), text(own));
      };
      const names = ['a', 'b', 'c', 'd'];
      await Promise.all(names.map(work));
      const expected = names.map((own) => `shared/deep/${own}/last`);
      assert.deepEqual(await keysOf(made.store, ''), expected);
    });

    test('a body that fails leaves everything as it was, and its error is passed on', async () => {
      await using made = await make();
      await made.store.put(key('old'), text('old'));
      const failure = new Error('the network went away');
      for (const name of ['old', 'new', 'some/folder/new']) {
        const body = failingStream(failure);
        await assert.rejects(made.store.put(key(name), body), (error) => error === failure);
      }
      assert.deepEqual(await keysOf(made.store, ''), ['old']);
      assert.equal(await textOf(made.store, 'old'), 'old');
    });

    test('a put that is given up leaves everything as it was, even while the body stands still', async () => {
      await using made = await make();
      await made.store.put(key('old'), text('old'));
      for (const name of ['old', 'new']) {
        let isCancelled = false;
        const body = new ReadableStream<Uint8Array>({
          start: (controller) => controller.enqueue(new Uint8Array(100_000)),
          cancel: () => void (isCancelled = true),
        });
        const controller = new AbortController();
        const putting = made.store.put(key(name), body, { signal: controller.signal });
        setTimeout(() => controller.abort(), 20);
        await rejects(putting, 'aborted');
        assert.ok(isCancelled, 'the source is told');
      }
      assert.deepEqual(await keysOf(made.store, ''), ['old']);
      assert.equal(await textOf(made.store, 'old'), 'old');
    });

    test('a put is given up at any moment, also before its body begins', async () => {
      await using made = await make();
      for (let milliseconds = 0; milliseconds < 20; milliseconds++) {
        const controller = new AbortController();
        const putting = made.store.put(key('new'), new ReadableStream(), { signal: controller.signal });
        setTimeout(() => controller.abort(), milliseconds);
        await rejects(putting, 'aborted');
      }
      assert.deepEqual(await keysOf(made.store, ''), []);
    });

    test('a signal that has fired before stops every call', async () => {
      await using made = await make();
      await made.store.put(key('x'), text('x'));
      const signal = AbortSignal.abort();
      await rejects(made.store.get(key('x'), { signal }), 'aborted');
      await rejects(made.store.head(key('x'), { signal }), 'aborted');
      await rejects(made.store.put(key('y'), text('y'), { signal }), 'aborted');
      await rejects(made.store.delete(key('x'), { signal }), 'aborted');
      await rejects(made.store.deletePrefix(key('x'), { signal }), 'aborted');
      await rejects(Array.fromAsync(made.store.list('', { signal })), 'aborted');
      assert.deepEqual(await keysOf(made.store, ''), ['x']);
    });

    test('a signal that fires stops a body that is being read', async () => {
      await using made = await make();
      await made.store.put(key('x'), new Uint8Array(5_000_000));
      const controller = new AbortController();
      const { body } = await made.store.get(key('x'), { signal: controller.signal });
      const reader = body.getReader();
      assert.equal((await reader.read()).done, false);
      controller.abort();
      await rejects(
        (async () => {
          while (!(await reader.read()).done);
        })(),
        'aborted',
      );
    });

    test('a body may be cancelled, or left to finish after its object was deleted', async () => {
      await using made = await make();
      const bytes = randomBytes(2_000_000);
      await made.store.put(key('x'), bytes);
      const cancelled = await made.store.get(key('x'));
      await cancelled.body.cancel();
      const open = await made.store.get(key('x'));
      await made.store.delete(key('x'));
      assert.deepEqual(await bytesOf(open.body), bytes);
    });

    test('moves more than it would hold in memory', async () => {
      await using made = await make();
      const total = 192 * 1024 * 1024;
      await made.store.head(key('warm-up')).catch(() => {});
      globalThis.gc?.();
      let mostBytes = 0;
      const start = process.memoryUsage();
      const look = () => {
        const now = process.memoryUsage();
        mostBytes = Math.max(
          mostBytes,
          now.arrayBuffers + now.heapUsed - start.arrayBuffers - start.heapUsed,
        );
      };
      const info = await made.store.put(key('big'), longStream(total, look));
      assert.equal(info.bytes, total);
      let received = 0;
      for await (const chunk of (await made.store.get(key('big'))).body) {
        received += chunk.length;
        look();
        // A slow reader: nothing may pile up behind it.
        if (received % (32 * 1024 * 1024) === 0) await sleep(5);
      }
      assert.equal(received, total);
      assert.ok(mostBytes < total / 2, `${mostBytes} bytes of memory for an object of ${total}`);
    });
  });
}

/** Fails unless `promise` is refused with an AppError of that code. */
export async function rejects(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(isAppError(error), `not an AppError: ${String(error)}`);
    assert.equal(error.code, code);
    return true;
  });
}

/** Everything in `body`. */
export async function bytesOf(body: ReadableStream<Uint8Array>): Promise<Buffer> {
  return Buffer.from(await new Response(body).arrayBuffer());
}

/** The object as text. */
export async function textOf(store: ObjectStore, name: string): Promise<string> {
  return (await bytesOf((await store.get(key(name))).body)).toString();
}

/** The keys below `prefix`, sorted. */
export async function keysOf(store: ObjectStore, prefix: string): Promise<string[]> {
  return (await infosOf(store, prefix)).map((info) => String(info.key)).toSorted();
}

/** The UTF-8 bytes of `content`. */
export function text(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

function infosOf(store: ObjectStore, prefix: string) {
  return Array.fromAsync(store.list(prefix as ObjectKey | ''));
}

function streamOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunks) as ReadableStream<Uint8Array>;
}

function failingStream(failure: Error): ReadableStream<Uint8Array> {
  let chunks = 0;
  return new ReadableStream({
    pull(controller) {
      if (chunks++ < 3) controller.enqueue(new Uint8Array(100_000));
      else controller.error(failure);
    },
  });
}

function longStream(total: number, onChunk: () => void): ReadableStream<Uint8Array> {
  let left = total;
  return new ReadableStream({
    pull(controller) {
      onChunk();
      const chunk = new Uint8Array(Math.min(left, 256 * 1024));
      left -= chunk.length;
      controller.enqueue(chunk);
      if (left === 0) controller.close();
    },
  });
}
