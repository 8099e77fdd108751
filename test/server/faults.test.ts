/** Clients that vanish or dawdle, sources that break off, a server that closes. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Services } from '../../src/pipeline/services.ts';
import { until } from '../until.ts';
import { SETTINGS, VIDEO_ID, playbackOf, rawRequest, resourceOf, startServer } from './support.ts';

/** Options of `once` that make a test fail rather than hang. */
const soon = () => ({ signal: AbortSignal.timeout(30_000) });

/** Waits for `signal`, as a pipeline that encodes does. */
function waitingPlayback(): { playback: Services['playback']; asked: Promise<AbortSignal> } {
  const { promise: asked, resolve: onAsked } = Promise.withResolvers<AbortSignal>();
  const resolve: Services['playback']['resolve'] = async (_id, _path, signal) => {
    onAsked(signal);
    await once(signal, 'abort');
    throw signal.reason;
  };
  return { playback: { resolve }, asked };
}

test('a viewer who leaves while waiting fires the signal', async () => {
  const { playback, asked } = waitingPlayback();
  const log: Record<string, unknown>[] = [];
  await using server = await startServer({ playback }, { log });
  const viewer = new AbortController();
  const answer = fetch(server.playbackUrl('a.m4s'), { signal: viewer.signal });
  const signal = await asked;
  assert.equal(signal.aborted, false);
  viewer.abort();
  await assert.rejects(answer, { name: 'AbortError' });
  if (!signal.aborted) await once(signal, 'abort', soon());
  const isTold = () => log.some(({ msg, isClientGone }) => msg === 'request' && isClientGone === true);
  await until('it is in the log', 20_000, () => isTold() || undefined);
  assert.ok(
    log.every(({ level }) => Number(level) < 50),
    'nobody did anything wrong',
  );
});

test('a complete answer does not fire the signal, whatever becomes of the connection', async () => {
  let signal: AbortSignal | undefined;
  await using server = await startServer({
    playback: {
      resolve: async (_id, _path, given) => {
        signal = given;
        return resourceOf('abc');
      },
    },
  });
  // rawRequest closes its connection.
  await rawRequest(server.origin, `/v/${VIDEO_ID}/a.m4s`);
  await sleep(50);
  assert.equal(signal?.aborted, false);
});

test('a viewer who leaves amid the bytes cancels the source at once', async () => {
  const cancelled = Promise.withResolvers<void>();
  // Gives one chunk, then has nothing for a long time.
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new Uint8Array(10)),
    cancel: () => cancelled.resolve(),
  });
  await using server = await startServer({
    playback: playbackOf({ 'a.m4s': resourceOf(new Uint8Array(1000), { open: async () => body }) }),
  });
  const viewer = new AbortController();
  const response = await fetch(server.playbackUrl('a.m4s'), { signal: viewer.signal });
  await response.body?.getReader().read();
  viewer.abort();
  await Promise.race([
    cancelled.promise,
    sleep(30_000, undefined, { ref: false }).then(() => assert.fail('the source was never cancelled')),
  ]);
});

test('no more is read from the source than a client takes', async () => {
  const chunk = new Uint8Array(64 * 1024);
  const total = 64 * 1024 * 1024;
  let read = 0;
  const open = async () =>
    new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          read += chunk.length;
          controller.enqueue(chunk);
          if (read === total) controller.close();
        },
      },
      { highWaterMark: 0 },
    );
  await using server = await startServer({
    playback: playbackOf({ 'a.mp4': { ...resourceOf(''), bytes: total, open } }),
  });
  const socket = connect(Number(new URL(server.origin).port), '127.0.0.1');
  socket.pause();
  socket.write(`GET /v/${VIDEO_ID}/a.mp4 HTTP/1.1\r\nHost: a\r\n\r\n`);
  let readByThen = -1;
  await until('a stalled client stalls the source', 20_000, async () => {
    readByThen = read;
    await sleep(300);
    return (read > 0 && read === readByThen) || undefined;
  });
  // Socket buffers take some megabytes.
  assert.ok(readByThen < total / 2, `${readByThen} bytes read`);

  let received = 0;
  socket.on('data', (data) => {
    received += data.length;
    if (received > total) socket.end();
  });
  socket.resume();
  await once(socket, 'close', soon());
  assert.equal(read, total);
});

/** Chunks of 60 bytes with pauses between them, so that the first are on their way when the trouble comes. */
async function* chunksThen(count: number, failure: Error | undefined): AsyncGenerator<Uint8Array> {
  for (let n = 0; n < count; n += 1) {
    yield new Uint8Array(60);
    await sleep(5);
  }
  if (failure !== undefined) throw failure;
}

for (const [what, chunks, failure] of [
  ['fails', 5, new Error('the disk broke')],
  ['ends early', 5, undefined],
  ['has more than it promised', 20, undefined],
] as const) {
  for (const headers of [{}, { range: 'bytes=0-499,500-899' }]) {
    test(`a source that ${what} breaks the connection off (${JSON.stringify(headers)})`, async () => {
      const log: Record<string, unknown>[] = [];
      const resource = resourceOf(new Uint8Array(1000), {
        open: async () => ReadableStream.from(chunksThen(chunks, failure)),
      });
      await using server = await startServer({ playback: playbackOf({ 'a.m4s': resource }) }, { log });
      const answer = await rawRequest(server.origin, `/v/${VIDEO_ID}/a.m4s`, { headers });
      assert.equal(answer.isComplete, false);
      assert.ok(answer.body.length < 1000 + 500);
      assert.ok(log.some(({ level, msg }) => level === 50 && msg === 'answer broken off'));
      assert.equal((await fetch(`${server.origin}/healthz`)).status, 200);
    });
  }
}

test('closing lets a running answer finish, and refuses new connections', async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { promise: asked, resolve: onAsked } = Promise.withResolvers<void>();
  const server = await startServer({
    playback: {
      resolve: async () => {
        onAsked();
        await released;
        return resourceOf('done');
      },
    },
  });
  const answer = fetch(server.playbackUrl('a.m4s'));
  await asked;
  const closed = server.app.close();
  await sleep(100);
  await assert.rejects(fetch(`${server.origin}/healthz`), TypeError);
  const releasedAt = performance.now();
  release();
  assert.equal(await (await answer).text(), 'done');
  await closed;
  assert.ok(performance.now() - releasedAt < 4_000, 'a kept-alive connection must not hold the server');
});

test('what runs longer than the grace time is cut off', async () => {
  const { playback, asked } = waitingPlayback();
  const server = await startServer({ playback }, { settings: { ...SETTINGS, graceMilliseconds: 200 } });
  const answer = fetch(server.playbackUrl('a.m4s'));
  const signal = await asked;
  const closed = server.app.close();
  await assert.rejects(answer, TypeError);
  await closed;
  if (!signal.aborted) await once(signal, 'abort', soon());
});

test('bytes that are not HTTP, and headers that are too large, get a problem', async () => {
  await using server = await startServer();
  const port = Number(new URL(server.origin).port);
  for (const [bytes, status] of [
    ['nonsense\r\n\r\n', 400],
    [`GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 431],
    [`GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
  ] as const) {
    const socket = connect(port, '127.0.0.1');
    socket.write(bytes);
    let answer = '';
    socket.setEncoding('latin1').on('data', (text) => (answer += text));
    await once(socket, 'close', soon());
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    assert.match(head, new RegExp(`^HTTP/1.1 ${status} `));
    assert.match(head, /application\/problem\+json/);
    assert.deepEqual([JSON.parse(body).status, JSON.parse(body).code], [status, 'invalid_request']);
  }
});
