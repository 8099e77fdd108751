/** Server-sent events, over a real catalog and real sockets. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { newVideoId, parseVideoId } from '../../src/catalog/video.ts';
import type { SegmentState, VideoEvent } from '../../src/pipeline/events.ts';
import { News } from '../../src/server/news.ts';
import { openEvents } from './event-reader.ts';
import { callJson, type RealCatalogServer, startRealCatalog } from './real-catalog.ts';
import { getJson, rawRequest, VIDEO_ID, videoOf } from './support.ts';

async function firstTrackOf(server: RealCatalogServer): Promise<string> {
  return (await getJson(server.videoUrl)).json.tracks[0].id;
}

function segmentEvent(index: number, state: SegmentState, encodedFraction = 0): VideoEvent {
  return { type: 'segment', videoId: VIDEO_ID, trackId: 'v480', index, state, encodedFraction };
}

describe('events of one video', () => {
  test('begin with how it is, in an answer that nobody keeps or collects', async () => {
    await using server = await startRealCatalog();
    await using events = await openEvents(`${server.videoUrl}/events`);
    const { headers } = events;
    assert.equal(headers.get('content-type'), 'text/event-stream');
    assert.equal(headers.get('cache-control'), 'no-store');
    assert.equal(headers.get('x-accel-buffering'), 'no');
    assert.equal(headers.get('content-encoding'), null);
    const [video, segments] = [await events.next(), await events.next()];
    assert.deepEqual([video?.event, video?.id], ['video', '1']);
    assert.deepEqual(video?.data, (await getJson(server.videoUrl)).json);
    assert.deepEqual([segments?.event, segments?.id], ['segments', '2']);
    assert.deepEqual(segments?.data, (await getJson(`${server.videoUrl}/segments`)).json);
    assert.deepEqual(events.retries, ['2000']);
  });

  test('tell what changes, of this video alone', async () => {
    await using server = await startRealCatalog();
    const other = newVideoId(1, new Uint8Array(10));
    await server.videos.insert(videoOf({ id: other }));
    await using events = await openEvents(`${server.videoUrl}/events`);
    await events.until('segments');

    await callJson(server.videoUrl.replace(VIDEO_ID, other), 'PATCH', { title: 'another' });
    await callJson(server.videoUrl, 'PATCH', { title: 'Renamed' });
    const renamed = await events.next();
    assert.deepEqual([renamed?.event, renamed?.data.title], ['video', 'Renamed']);
    await events.until('segments');

    await server.videos.update(VIDEO_ID, { status: 'ready' });
    server.events.publish({ type: 'status', videoId: VIDEO_ID, status: 'ready' });
    assert.equal((await events.until('video')).data.status, 'ready');
    await events.until('segments');

    const upload = { videoId: VIDEO_ID, receivedBytes: 5, totalBytes: 9 };
    server.events.publish({ type: 'upload-progress', ...upload });
    assert.deepEqual((await events.next())?.data, { id: VIDEO_ID, receivedBytes: 5, totalBytes: 9 });
  });

  test('tell each segment as it is encoded, and how far it all is', async () => {
    await using server = await startRealCatalog();
    await using events = await openEvents(`${server.videoUrl}/events`);
    await events.until('segments');
    const trackId = await firstTrackOf(server);
    await server.encode(trackId, 1);
    const segment = (state: SegmentState) => ({ id: VIDEO_ID, trackId, index: 1, state });
    // The first is told at once; what is between it and the next half second may have been passed over.
    let told = await events.until('segment');
    if (told.data.state === 'encoding') {
      assert.deepEqual(told.data, segment('encoding'));
      told = await events.until('segment');
    }
    assert.deepEqual(told.data, segment('stored'));
    const progress = await events.until('progress');
    const { encodedFraction } = (await getJson(server.videoUrl)).json;
    assert.ok(encodedFraction > 0);
    assert.deepEqual(progress.data, { id: VIDEO_ID, encodedFraction });
  });

  test('tell progress at most twice a second, and in the end the last of it', async () => {
    await using server = await startRealCatalog();
    await using events = await openEvents(`${server.videoUrl}/events`);
    await events.until('segments');
    const startedAt = performance.now();
    const steps = 150;
    const publishing = (async () => {
      for (let n = 1; n <= steps; n++) {
        server.events.publish(segmentEvent(n % 7, 'stored', n / steps));
        await sleep(10);
      }
    })();
    const fractions: number[] = [];
    while (fractions.at(-1) !== 1) fractions.push((await events.until('progress')).data.encodedFraction);
    await publishing;
    const seconds = (performance.now() - startedAt) / 1000;
    assert.ok(fractions.length >= 2, `${fractions}`);
    assert.ok(fractions.length <= seconds * 2 + 1.5, `${fractions.length} in ${seconds} s`);
    assert.deepEqual(
      fractions,
      fractions.toSorted((a, b) => a - b),
    );
  });

  test('tell a change of status at once, amid progress', async () => {
    await using server = await startRealCatalog();
    await using events = await openEvents(`${server.videoUrl}/events`);
    await events.until('segments');
    const delays: number[] = [];
    for (let round = 1; round <= 5; round++) {
      server.events.publish(segmentEvent(0, 'stored', round / 10));
      await events.until('progress');
      server.events.publish(segmentEvent(1, 'stored', round / 10 + 0.05));
      const publishedAt = performance.now();
      server.events.publish({ type: 'updated', videoId: VIDEO_ID });
      await events.until('video');
      delays.push(performance.now() - publishedAt);
    }
    // The machine may have been busy with something else, but not each time.
    assert.ok(Math.min(...delays) < 350, `not only after half a second, but ${delays}`);
  });

  test('end when it is deleted', async () => {
    await using server = await startRealCatalog();
    await using events = await openEvents(`${server.videoUrl}/events`);
    await events.until('segments');
    await callJson(server.videoUrl, 'DELETE');
    const deleted = await events.next();
    assert.deepEqual([deleted?.event, deleted?.data], ['deleted', { id: VIDEO_ID }]);
    assert.equal(await events.next(), undefined);
  });

  test('are no answer for a video that is not there', async () => {
    await using server = await startRealCatalog();
    for (const id of [`vid_${'0'.repeat(32)}`, 'vid_0']) {
      const url = server.videoUrl.replace(VIDEO_ID, id);
      const { status, headers, json } = await getJson(`${url}/events`);
      assert.deepEqual([status, json.code], [404, 'not_found']);
      assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/);
      const head = await rawRequest(server.origin, new URL(`${url}/events`).pathname, { method: 'HEAD' });
      assert.deepEqual([head.status, head.body.length], [404, 0]);
    }
  });
});

describe('events of all videos', () => {
  test('begin with the advice to load the list, then tell of each video', async () => {
    await using server = await startRealCatalog();
    await using events = await openEvents(`${server.origin}/api/v1/events`);
    const first = await events.next();
    assert.deepEqual([first?.event, first?.data], ['reset', {}]);
    const id = parseVideoId(`vid_${'a'.repeat(32)}`);
    await server.videos.insert(videoOf({ id }));
    server.events.publish({ type: 'created', videoId: id });
    const created = await events.next();
    assert.deepEqual([created?.event, created?.data.id], ['video', id]);
    server.events.publish(segmentEvent(0, 'stored', 0.25));
    const progress = await events.next();
    assert.deepEqual(
      [progress?.event, progress?.data],
      ['progress', { id: VIDEO_ID, encodedFraction: 0.25 }],
    );
    await callJson(server.videoUrl, 'DELETE');
    assert.deepEqual((await events.next())?.data, { id: VIDEO_ID });
    await callJson(server.videoUrl.replace(VIDEO_ID, id), 'PATCH', { title: 'goes on' });
    assert.equal((await events.next())?.data.title, 'goes on');
  });

  test('HEAD has the header fields alone', async () => {
    await using server = await startRealCatalog();
    const { status, headers, body } = await rawRequest(server.origin, '/api/v1/events', { method: 'HEAD' });
    assert.deepEqual([status, headers['content-type'], body.length], [200, 'text/event-stream', 0]);
  });
});

describe('a stream of events', () => {
  test('shows that it is still there', async () => {
    await using server = await startRealCatalog({ keepAliveMilliseconds: 50 });
    await using events = await openEvents(`${server.videoUrl}/events`);
    await events.until('segments');
    for (let tries = 0; events.comments.length < 3 && tries < 100; tries++) {
      await sleep(100);
      server.events.publish({ type: 'updated', videoId: VIDEO_ID });
      await events.until('video');
    }
    assert.ok(events.comments.length >= 3, `${events.comments.length} comments`);
  });

  test('ends when the server closes, which does not wait for it', async () => {
    const server = await startRealCatalog();
    await using events = await openEvents(`${server.origin}/api/v1/events`);
    await events.next();
    const startedAt = performance.now();
    const closed = server[Symbol.asyncDispose]();
    assert.equal(await events.next(), undefined, 'an end, not a break');
    await closed;
    assert.ok(performance.now() - startedAt < 15_000);
  });

  test('stops listening when the client goes', async () => {
    await using server = await startRealCatalog();
    const listening = new Set<AbortSignal>();
    const { subscribe } = server.events;
    Object.assign(server.events, {
      async *subscribe(options: Parameters<typeof subscribe>[0]) {
        listening.add(options.signal);
        try {
          yield* subscribe(options);
        } finally {
          listening.delete(options.signal);
        }
      },
    });
    const events = await openEvents(`${server.videoUrl}/events`);
    await events.until('segments');
    assert.equal(listening.size, 1);
    await events[Symbol.asyncDispose]();
    for (let tries = 0; listening.size > 0 && tries < 1000; tries++) await sleep(10);
    assert.equal(listening.size, 0);
  });

  test('holds little for a client that does not read, and tells it in the end how things are', async () => {
    await using server = await startRealCatalog();
    const responses: ServerResponse[] = [];
    server.app.server.on('request', (_request, response) => responses.push(response));
    const socket = connect(Number(new URL(server.origin).port), '127.0.0.1');
    socket.pause();
    socket.write(`GET /api/v1/videos/${VIDEO_ID}/events HTTP/1.1\r\nHost: a\r\n\r\n`);
    await sleep(100);
    // Snapshots of a hundred kilobytes each, thirty times what all buffers on the way hold.
    const description = 'x'.repeat(100_000);
    const changes = 1000;
    let mostHeld = 0;
    for (let n = 1; n <= changes; n++) {
      await server.videos.update(VIDEO_ID, { description, title: `Title ${n}.` });
      for (let index = 0; index < 50; index++)
        server.events.publish(segmentEvent(index, 'stored', n / changes));
      server.events.publish({ type: 'updated', videoId: VIDEO_ID });
      mostHeld = Math.max(mostHeld, responses[0]?.writableLength ?? 0);
    }
    assert.ok(mostHeld > 50_000 && mostHeld < 400_000, `${mostHeld} bytes held`);

    let text = '';
    socket.setEncoding('utf8').on('data', (data: string) => (text += data));
    socket.resume();
    const last = `"title":"Title ${changes}."`;
    for (let tries = 0; !text.includes(last) && tries < 2000; tries++) await sleep(10);
    assert.ok(text.includes(last), 'the last state comes');
    assert.ok(text.split('event: video').length < changes / 2, 'what was between is passed over');
    socket.destroy();
    await once(socket, 'close');
  });
});

describe('news', () => {
  test('of many changes are as many as there are segments', () => {
    const news = new News({ hasSegments: true });
    for (let n = 0; n < 100_000; n++) news.note(segmentEvent(n % 100, n % 2 === 0 ? 'encoding' : 'stored'));
    const { videos } = news.take();
    assert.equal(videos.get(VIDEO_ID)?.segments.size, 100);
    assert.ok(news.isEmpty);
  });

  test('of very many segments are a new snapshot', () => {
    const news = new News({ hasSegments: true });
    for (let n = 0; n < 10_000; n++) news.note(segmentEvent(n, 'stored', n / 10_000));
    assert.ok(news.isUrgent);
    const about = news.take().videos.get(VIDEO_ID);
    assert.deepEqual([about?.isChanged, about?.segments.size], [true, 0]);
  });

  test('of very many videos are the advice to load them all', () => {
    const news = new News({ hasSegments: false });
    for (let n = 0; n <= 1000; n++) {
      news.note({ type: 'created', videoId: newVideoId(n, new Uint8Array(10)) });
    }
    const { isReset, videos } = news.take();
    assert.deepEqual([isReset, videos.size], [true, 0]);
  });

  test('that are urgent leave the others for later', () => {
    const news = new News({ hasSegments: false });
    const other = newVideoId(1, new Uint8Array(10));
    news.note(segmentEvent(0, 'stored', 0.5));
    assert.ok(!news.isUrgent && !news.isEmpty);
    news.note({ type: 'deleted', videoId: other });
    assert.ok(news.isUrgent);
    assert.deepEqual([...news.takeUrgent().videos.keys()], [other]);
    assert.ok(!news.isUrgent && !news.isEmpty);
    assert.equal(news.take().videos.get(VIDEO_ID)?.encodedFraction, 0.5);
  });
});
