/** Files in forms, and what is wrong with them. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../e2e/real-server.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';
import { assertProblem, filmBytes, type Rig, sha256Of, startRig } from './rig.ts';

const FILM = filmBytes(200_000);
const BOUNDARY = 'boundary-of-this-test';

describe('a form with a file', () => {
  test('becomes a video, whatever the order of its fields', async () => {
    await using made = await rigged();
    const { rig } = made;
    for (const order of ['before', 'after']) {
      const answer = await send(rig, [
        ...(order === 'before' ? [field('title', 'A title')] : []),
        filePart('file', 'film.mp4', FILM),
        ...(order === 'after' ? [field('title', 'A title'), field('description', '')] : []),
      ]);
      assert.equal(answer.status, 201);
      const video = (await answer.json()) as { id: string; title: string; source: object };
      assert.equal(answer.headers.get('location'), `/api/v1/videos/${video.id}`);
      assert.equal(video.title, 'A title');
      assert.deepEqual(video.source, { origin: 'upload', name: 'film.mp4', bytes: FILM.length });
      assert.equal(await rig.sha256(video.id), sha256Of(FILM));
    }
    assert.deepEqual(
      rig.arrived.map(({ status }) => status),
      ['inspecting', 'inspecting'],
    );
  });

  test('has a title from its name where none is given', async () => {
    await using made = await rigged();
    const answer = await send(made.rig, [filePart('file', 'my_summer.2024.mp4', FILM), field('title', '')]);
    assert.equal(((await answer.json()) as { title: string }).title, 'my summer 2024');
  });

  test('shows progress', async () => {
    await using made = await rigged();
    await send(made.rig, [filePart('file', 'film.mp4', FILM)]);
    const progress = made.rig.events.filter(({ type }) => type === 'upload-progress');
    assert.ok(progress.length > 0);
  });
});

describe('refused, and nothing stays of it', () => {
  const file = filePart('file', 'film.mp4', FILM);
  const WRONG: readonly [string, readonly Uint8Array[], number, string][] = [
    ['no part at all', [], 400, 'invalid_request'],
    ['no file', [field('title', 'A title')], 400, 'invalid_request'],
    ['a file that was not chosen', [filePart('file', '', Buffer.alloc(0))], 400, 'invalid_request'],
    ['a file in another field', [filePart('video', 'film.mp4', FILM)], 400, 'invalid_request'],
    ['text instead of a file', [field('file', 'film.mp4')], 400, 'invalid_request'],
    ['two files', [file, file], 400, 'invalid_request'],
    ['two files, in two fields', [file, filePart('other', 'b.mp4', FILM)], 400, 'invalid_request'],
    ['a field that nobody knows', [file, field('titel', 'A title')], 400, 'invalid_request'],
    ['a title that is too long', [file, field('title', 'x'.repeat(501))], 400, 'invalid_request'],
    ['a field of a megabyte', [field('title', 'x'.repeat(1_000_000)), file], 400, 'invalid_request'],
    [
      'a hundred fields',
      [...Array.from({ length: 100 }, () => field('title', 'x')), file],
      400,
      'invalid_request',
    ],
    ['a file of 0 bytes', [filePart('file', 'film.mp4', Buffer.alloc(0))], 422, 'source_empty'],
    [
      'a file that is no video',
      [filePart('file', 'film.mp4', Buffer.from('hello'))],
      422,
      'source_not_media',
    ],
    [
      'a playlist that calls itself a video',
      [filePart('file', 'a.mp4', Buffer.from(`#EXTM3U\n${'x\n'.repeat(9000)}`))],
      422,
      'source_not_media',
    ],
    ['a file that is too large', [filePart('file', 'film.mp4', filmBytes(300_001))], 413, 'source_too_large'],
  ];
  for (const [name, parts, status, code] of WRONG) {
    test(name, async () => {
      await using made = await rigged({ maxBytes: 300_000 });
      await assertProblem(await send(made.rig, parts), status, code);
      await made.rig.assertEmpty();
      assert.deepEqual(made.rig.arrived, []);
    });
  }

  test('a form that ends in the middle of its file', async () => {
    await using made = await rigged();
    const whole = formOf([file]);
    for (const length of [whole.length - 2000, whole.length - 5]) {
      await assertProblem(await post(made.rig, whole.subarray(0, length)), 400, 'invalid_request');
    }
    await made.rig.assertEmpty();
  });

  test('a form without a boundary, and other kinds of bodies', async () => {
    await using made = await rigged();
    const types = { 'multipart/form-data': 400, 'text/plain': 415, 'application/xml': 415 };
    for (const [type, status] of Object.entries(types)) {
      const answer = await post(made.rig, Buffer.from('hello'), type);
      assert.equal(answer.status, status, await answer.text());
    }
    await made.rig.assertEmpty();
  });

  test('a form whose client goes away', async () => {
    await using made = await rigged();
    const { rig } = made;
    const { hostname, port } = new URL(rig.origin);
    const socket = connect(Number(port), hostname);
    const form = formOf([file]);
    socket.write(
      `POST /api/v1/videos HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=${BOUNDARY}\r\nContent-Length: ${form.length}\r\n\r\n`,
    );
    socket.write(form.subarray(0, 100_000));
    await until('the video is there', 20_000, () => rig.events.length > 0 || undefined);
    await sleep(100);
    assert.equal((await rig.catalog.videos.list({ limit: 1 })).items[0]?.status, 'uploading');
    socket.destroy();
    await until('nothing stays', 20_000, () =>
      rig.assertEmpty().then(
        () => true,
        () => undefined,
      ),
    );
  });

  test('a form that comes while the server stops', async () => {
    await using folder = await temporaryFolder();
    const rig = await startRig(folder.path);
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(formOf([file]).subarray(0, 100_000)),
      pull: () => new Promise(() => {}),
    });
    const request = fetch(`${rig.origin}/api/v1/videos`, {
      method: 'POST',
      headers: { 'Content-Type': `multipart/form-data; boundary=${BOUNDARY}` },
      body,
      duplex: 'half',
    }).catch(() => undefined);
    await until('the video is there', 20_000, () => rig.events.length > 0 || undefined);
    const start = performance.now();
    await rig[Symbol.asyncDispose]();
    assert.ok(performance.now() - start < 15_000);
    await request;
    await using next = await startRig(folder.path);
    await next.assertEmpty();
  });
});

async function rigged(options: { readonly maxBytes?: number } = {}) {
  const folder = await temporaryFolder();
  const rig = await startRig(folder.path, options);
  return {
    rig,
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function send(rig: Rig, parts: readonly Uint8Array[]): Promise<Response> {
  return post(rig, formOf(parts));
}

function post(
  rig: Rig,
  body: Uint8Array<ArrayBuffer>,
  type = `multipart/form-data; boundary=${BOUNDARY}`,
): Promise<Response> {
  return fetch(`${rig.origin}/api/v1/videos`, { method: 'POST', headers: { 'Content-Type': type }, body });
}

function formOf(parts: readonly Uint8Array[]): Buffer<ArrayBuffer> {
  const pieces = parts.flatMap((part) => [Buffer.from(`--${BOUNDARY}\r\n`), part, Buffer.from('\r\n')]);
  return Buffer.concat([...pieces, Buffer.from(`--${BOUNDARY}--\r\n`)]);
}

function field(name: string, value: string): Uint8Array {
  return Buffer.from(`Content-Disposition: form-data; name="${name}"\r\n\r\n${value}`);
}

function filePart(name: string, filename: string, bytes: Uint8Array): Uint8Array {
  const head = `Content-Disposition: form-data; name="${name}"; filename="${filename}"\r\nContent-Type: video/mp4\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), bytes]);
}
