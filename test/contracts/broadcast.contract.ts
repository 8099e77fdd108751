/** What every broadcast does. Its test calls this with a way to make processes that hear each other. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Broadcast, MAX_MESSAGE_BYTES } from '../../src/cluster/broadcast.ts';

/** `join` gives the broadcast of one more process; for those of one process alone, the same again. */
export type BroadcastUnderTest = AsyncDisposable & { join(): Promise<Broadcast> };

/** Registers the tests of `subject`. */
export function testBroadcast(subject: string, make: () => Promise<BroadcastUnderTest>): void {
  describe(`${subject} is a broadcast`, () => {
    test('tells everyone, in order, of their topic alone', async () => {
      await using made = await make();
      const processes = [await made.join(), await made.join(), await made.join()];
      const last = { text: 'ä"\\\u0000', list: [1, null, { a: true }], end: true };
      const messages = [...Array.from({ length: 300 }, (_, n) => ({ n })), last];
      const heard = processes.map((process) => collect(process, 'a', messages.length));
      const others = collect(processes[0]!, 'b', 1);
      for (const message of messages) processes[1]!.publish('a', message);
      for (const all of heard) assert.deepEqual(await all, messages);
      processes[2]!.publish('b', 'done');
      assert.deepEqual(await others, ['done']);
    });

    test('tells its own process at once, and nobody twice', async () => {
      await using made = await make();
      const [here, there] = [await made.join(), await made.join()];
      const heard: unknown[] = [];
      here.subscribe('a', (message) => heard.push(message));
      const arrived = collect(there, 'end', 1);
      here.publish('a', 1);
      assert.deepEqual(heard, [1]);
      here.publish('end', null);
      await arrived;
      assert.deepEqual(heard, [1]);
    });

    test('carries messages up to its limit', async () => {
      await using made = await make();
      const [here, there] = [await made.join(), await made.join()];
      const largest = 'ö'.repeat((MAX_MESSAGE_BYTES - 2) / 2);
      const arrived = collect(there, 'a', 1);
      here.publish('a', largest);
      assert.deepEqual(await arrived, [largest]);
    });

    test('a listener that has left hears nothing more', async () => {
      await using made = await make();
      const broadcast = await made.join();
      const heard: unknown[] = [];
      const listening = broadcast.subscribe('a', (message) => heard.push(message));
      broadcast.publish('a', 1);
      listening[Symbol.dispose]();
      broadcast.publish('a', 2);
      assert.deepEqual(heard, [1]);
    });
  });
}

/** The next `count` messages of a topic. */
export function collect(broadcast: Broadcast, topic: string, count: number): Promise<unknown[]> {
  const messages: unknown[] = [];
  const { promise, resolve } = Promise.withResolvers<unknown[]>();
  const listening = broadcast.subscribe(topic, (message) => {
    messages.push(message);
    if (messages.length < count) return;
    listening[Symbol.dispose]();
    resolve(messages);
  });
  return promise;
}
