/** Uploads over tus, request by request. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../e2e/real-server.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';
import { assertProblem, filmBytes, type Rig, type RigOptions, sha256Of, startRig } from './rig.ts';

const VERSION = { 'Tus-Resumable': '1.0.0' };
const BYTES = { ...VERSION, 'Content-Type': 'application/offset+octet-stream' };
const FILM = filmBytes(300_000);

describe('tus', () => {
  test('says what it can do', async () => {
    await using rig = await rigged({ maxBytes: 1000 });
    const answer = await fetch(`${rig.origin}/api/v1/uploads`, { method: 'OPTIONS' });
    assert.equal(answer.status, 204);
    assert.equal(answer.headers.get('tus-version'), '1.0.0');
    assert.equal(answer.headers.get('tus-max-size'), '1000');
    assert.deepEqual(answer.headers.get('tus-extension')?.split(','), [
      'creation',
      'creation-with-upload',
      'creation-defer-length',
      'termination',
      'expiration',
    ]);
    assert.equal(answer.headers.get('access-control-allow-origin'), '*');
    assert.match(answer.headers.get('access-control-allow-methods') ?? '', /PATCH/);
    assert.match(answer.headers.get('access-control-expose-headers') ?? '', /Sluice-Video-Id/);
  });

  test('an upload in pieces becomes the video that was promised', async () => {
    await using rig = await rigged();
    const created = await create(rig, {
      'Upload-Length': '300000',
      'Upload-Metadata': `filename ${base64('C:\\films\\Mein Film_1.mp4')},title ${base64('Ein Film')},relativePath`,
    });
    assert.equal(created.status, 201);
    assert.match(created.headers.get('location') ?? '', /^\/api\/v1\/uploads\/[0-9a-f]{32}$/);
    assert.ok(Date.parse(created.headers.get('upload-expires') ?? '') > Date.now() + 3_600_000);
    const id = created.headers.get('sluice-video-id') ?? '';
    const waiting = await rig.video(id);
    assert.equal(waiting?.status, 'uploading');
    assert.equal(waiting?.title, 'Ein Film');
    assert.equal(waiting?.source.name, 'Mein Film_1.mp4');
    const url = urlOf(rig, created);
    const first = await patch(url, 0, FILM.subarray(0, 100_000));
    assert.equal(first.status, 204);
    assert.equal(first.headers.get('upload-offset'), '100000');
    const head = await fetch(url, { method: 'HEAD', headers: VERSION });
    assert.equal(head.status, 200);
    assert.equal(head.headers.get('upload-offset'), '100000');
    assert.equal(head.headers.get('upload-length'), '300000');
    assert.equal(head.headers.get('cache-control'), 'no-store');
    assert.equal(head.headers.get('sluice-video-id'), id);
    const last = await patch(url, 100_000, FILM.subarray(100_000));
    assert.equal(last.headers.get('upload-offset'), '300000');
    const video = await rig.video(id);
    assert.equal(video?.status, 'inspecting');
    assert.equal(video?.source.bytes, 300_000);
    assert.match(video?.revision ?? '', /^[0-9a-f]{12}$/);
    assert.deepEqual(rig.arrived, [video]);
    assert.equal(await rig.sha256(id), sha256Of(FILM));
    const types = rig.events.map(({ type }) => type);
    assert.equal(types[0], 'created');
    assert.equal(types.at(-1), 'status');
    assert.ok(types.includes('upload-progress'));
    // Who missed the last answer asks, and hears that all is there.
    const after = await fetch(url, { method: 'HEAD', headers: VERSION });
    assert.equal(after.headers.get('upload-offset'), '300000');
    assert.equal((await patch(url, 300_000, new Uint8Array())).status, 204);
    assert.equal(rig.arrived.length, 1);
  });

  test('Location is absolute where the server knows its address', async () => {
    await using rig = await rigged({ settings: { publicUrl: 'https://videos.example/sluice' } });
    const created = await create(rig, { 'Upload-Length': '300000' });
    assert.match(
      created.headers.get('location') ?? '',
      /^https:\/\/videos\.example\/sluice\/api\/v1\/uploads\//,
    );
    assert.ok(created.headers.get('sluice-video-id'));
  });

  test('a creation may bring the first bytes, or all of them', async () => {
    await using rig = await rigged();
    const all = await create(rig, { 'Upload-Length': '300000', ...BYTES }, FILM);
    assert.equal(all.status, 201);
    assert.equal(all.headers.get('upload-offset'), '300000');
    assert.equal(await rig.sha256(all.headers.get('sluice-video-id') ?? ''), sha256Of(FILM));
    const some = await create(rig, { 'Upload-Length': '300000', ...BYTES }, FILM.subarray(0, 5000));
    assert.equal(some.headers.get('upload-offset'), '5000');
    assert.equal((await patch(urlOf(rig, some), 5000, FILM.subarray(5000))).status, 204);
    assert.equal(rig.arrived.length, 2);
  });

  test('the length may come later', async () => {
    await using rig = await rigged({ maxBytes: 300_000 });
    const created = await create(rig, { 'Upload-Defer-Length': '1' });
    const url = urlOf(rig, created);
    await patch(url, 0, FILM.subarray(0, 200_000));
    const head = await fetch(url, { method: 'HEAD', headers: VERSION });
    assert.equal(head.headers.get('upload-defer-length'), '1');
    const short = await patch(url, 200_000, FILM.subarray(200_000), { 'Upload-Length': '199999' });
    await assertProblem(short, 400, 'invalid_request');
    const large = await patch(url, 200_000, FILM.subarray(200_000), { 'Upload-Length': '300001' });
    await assertProblem(large, 413, 'source_too_large');
    const last = await patch(url, 200_000, FILM.subarray(200_000), { 'Upload-Length': '300000' });
    assert.equal(last.headers.get('upload-offset'), '300000');
    assert.equal(rig.arrived.length, 1);
    await assertProblem(
      await patch(url, 300_000, new Uint8Array(), { 'Upload-Length': '300000' }),
      400,
      'invalid_request',
    );
  });

  test('the length may come last of all', async () => {
    await using rig = await rigged();
    const url = urlOf(rig, await create(rig, { 'Upload-Defer-Length': '1' }));
    await patch(url, 0, FILM);
    assert.equal(rig.arrived.length, 0);
    assert.equal((await patch(url, 300_000, new Uint8Array(), { 'Upload-Length': '300000' })).status, 204);
    assert.equal(rig.arrived.length, 1);
  });

  test('an upload that is ended is gone, and so is its video', async () => {
    await using rig = await rigged();
    const created = await create(rig, { 'Upload-Length': '300000', ...BYTES }, FILM.subarray(0, 5000));
    const url = urlOf(rig, created);
    const ended = await fetch(url, { method: 'DELETE', headers: VERSION });
    assert.equal(ended.status, 204);
    await rig.assertEmpty();
    assert.equal((await fetch(url, { method: 'HEAD', headers: VERSION })).status, 410);
    await assertProblem(await patch(url, 5000, FILM.subarray(5000)), 410, 'gone');
    await assertProblem(await fetch(url, { method: 'DELETE', headers: VERSION }), 410, 'gone');
  });

  test('a complete upload cannot be ended any more', async () => {
    await using rig = await rigged();
    const url = urlOf(rig, await create(rig, { 'Upload-Length': '300000', ...BYTES }, FILM));
    await assertProblem(await fetch(url, { method: 'DELETE', headers: VERSION }), 400, 'invalid_request');
    assert.equal(await rig.sha256(rig.arrived[0]?.id ?? ''), sha256Of(FILM));
  });

  test('an upload that nobody goes on with expires, and its video with it', async () => {
    let now = Date.now();
    await using folder = await temporaryFolder();
    await using rig = await startRig(folder.path, { now: () => new Date(now), expiryMs: 60_000 });
    const url = urlOf(
      rig,
      await create(rig, { 'Upload-Length': '300000', ...BYTES }, FILM.subarray(0, 5000)),
    );
    now += 59_000;
    // Each byte that arrives gives it more time.
    assert.equal((await patch(url, 5000, FILM.subarray(5000, 6000))).status, 204);
    now += 59_000;
    assert.equal((await fetch(url, { method: 'HEAD', headers: VERSION })).status, 200);
    now += 2000;
    assert.equal((await fetch(url, { method: 'HEAD', headers: VERSION })).status, 410);
    await rig[Symbol.asyncDispose]();
    await using second = await startRig(folder.path, { now: () => new Date(now), expiryMs: 60_000 });
    await second.assertEmpty();
  });
});

describe('tus refuses', () => {
  const WRONG: readonly [string, Record<string, string>, number, string][] = [
    ['no version', { 'Upload-Length': '5' }, 412, 'precondition_failed'],
    ['another version', { 'Upload-Length': '5', 'Tus-Resumable': '0.2.2' }, 412, 'precondition_failed'],
    ['no length', VERSION, 400, 'invalid_request'],
    [
      'both kinds of length',
      { ...VERSION, 'Upload-Length': '5', 'Upload-Defer-Length': '1' },
      400,
      'invalid_request',
    ],
    ['a negative length', { ...VERSION, 'Upload-Length': '-1' }, 400, 'invalid_request'],
    ['a length that is no number', { ...VERSION, 'Upload-Length': '1e3' }, 400, 'invalid_request'],
    [
      'metadata that is not base64',
      { ...VERSION, 'Upload-Length': '5', 'Upload-Metadata': 'filename ä' },
      400,
      'invalid_request',
    ],
    ['a file without bytes', { ...VERSION, 'Upload-Length': '0' }, 422, 'source_empty'],
    ['a file that is too large', { ...VERSION, 'Upload-Length': '300001' }, 413, 'source_too_large'],
    [
      'uploads in parts',
      { ...VERSION, 'Upload-Length': '5', 'Upload-Concat': 'partial' },
      400,
      'invalid_request',
    ],
  ];

  for (const [name, headers, status, code] of WRONG) {
    test(`at the creation: ${name}`, async () => {
      await using rig = await rigged({ maxBytes: 300_000 });
      const ascii = Object.fromEntries(
        Object.entries(headers).map(([key, value]) => [key, value.replace('ä', '!')]),
      );
      const answer = await fetch(`${rig.origin}/api/v1/uploads`, { method: 'POST', headers: ascii });
      assert.equal(answer.headers.get('tus-resumable'), '1.0.0');
      assert.equal(answer.headers.get('access-control-allow-origin'), '*');
      assert.equal(answer.headers.get('tus-version'), status === 412 ? '1.0.0' : null);
      await assertProblem(answer, status, code);
      await rig.assertEmpty();
    });
  }

  test('bytes at another offset, of another kind, of no known upload, and too many', async () => {
    await using rig = await rigged();
    const url = urlOf(
      rig,
      await create(rig, { 'Upload-Length': '300000', ...BYTES }, FILM.subarray(0, 5000)),
    );
    for (const offset of [0, 4999, 5001, 300_000]) {
      await assertProblem(await patch(url, offset, FILM.subarray(0, 10)), 409, 'offset_mismatch');
    }
    const answer = await fetch(url, {
      method: 'PATCH',
      headers: { ...BYTES, 'Upload-Offset': '-1' },
      body: 'x',
    });
    await assertProblem(answer, 400, 'invalid_request');
    await assertProblem(
      await fetch(url, { method: 'PATCH', headers: BYTES, body: 'x' }),
      400,
      'invalid_request',
    );
    const json = { ...VERSION, 'Content-Type': 'application/json', 'Upload-Offset': '5000' };
    await assertProblem(
      await fetch(url, { method: 'PATCH', headers: json, body: '{}' }),
      415,
      'unsupported_media_type',
    );
    const old = { ...BYTES, 'Tus-Resumable': '0.2.2', 'Upload-Offset': '5000' };
    await assertProblem(
      await fetch(url, { method: 'PATCH', headers: old, body: 'x' }),
      412,
      'precondition_failed',
    );
    await assertProblem(await patch(url, 5000, FILM), 413, 'source_too_large');
    const unknown = `${rig.origin}/api/v1/uploads/${'0'.repeat(32)}`;
    await assertProblem(await patch(unknown, 0, FILM), 404, 'not_found');
    await assertProblem(await patch(`${rig.origin}/api/v1/uploads/..%2f..`, 0, FILM), 404, 'not_found');
    assert.equal((await fetch(unknown, { method: 'HEAD', headers: VERSION })).status, 404);
    await assertProblem(await fetch(unknown, { method: 'DELETE', headers: VERSION }), 404, 'not_found');
    await assertProblem(await fetch(unknown, { method: 'GET' }), 405, 'method_not_allowed');
    const head = await fetch(url, { method: 'HEAD', headers: VERSION });
    assert.equal(head.headers.get('upload-offset'), '5000', 'nothing of it was taken');
  });

  test('what is not a video, as soon as that can be told', async () => {
    await using rig = await rigged();
    const text = Buffer.from('#EXTM3U\nfile:///etc/passwd\n'.repeat(1000));
    const length = { 'Upload-Length': String(text.length) };
    await assertProblem(await create(rig, { ...length, ...BYTES }, text), 422, 'source_not_media');
    const url = urlOf(rig, await create(rig, length));
    await assertProblem(await patch(url, 0, text.subarray(0, 10_000)), 422, 'source_not_media');
    assert.equal((await fetch(url, { method: 'HEAD', headers: VERSION })).status, 410);
    const short = await create(rig, { 'Upload-Length': '5', ...BYTES }, Buffer.from('hello'));
    await assertProblem(short, 422, 'source_not_media');
    await rig.assertEmpty();
  });
});

describe('tus on bad connections', () => {
  test('what arrived before a break is kept', async () => {
    await using rig = await rigged();
    const created = await create(rig, { 'Upload-Length': '300000' });
    const url = urlOf(rig, created);
    const socket = await halfPatch(url, FILM.subarray(0, 123_456));
    await untilReceived(rig, created);
    socket.destroy();
    const offset = await offsetOf(url);
    assert.equal(offset, 123_456);
    assert.equal((await patch(url, offset, FILM.subarray(offset))).status, 204);
    assert.equal(await rig.sha256(rig.arrived[0]?.id ?? ''), sha256Of(FILM));
  });

  test('a connection that hangs gives way to the one that resumes', async () => {
    await using rig = await rigged();
    const created = await create(rig, { 'Upload-Length': '300000' });
    const url = urlOf(rig, created);
    const socket = await halfPatch(url, FILM.subarray(0, 50_000));
    await untilReceived(rig, created);
    const start = performance.now();
    assert.equal(await offsetOf(url), 50_000);
    assert.ok(performance.now() - start < 15_000, 'nobody waits for the connection that hangs');
    assert.equal((await patch(url, 50_000, FILM.subarray(50_000))).status, 204);
    assert.equal(await rig.sha256(rig.arrived[0]?.id ?? ''), sha256Of(FILM));
    socket.destroy();
  });

  test('a connection that hangs does not keep an upload from being ended, nor its video from being deleted', async () => {
    await using rig = await rigged();
    const first = await create(rig, { 'Upload-Length': '300000' });
    const one = await halfPatch(urlOf(rig, first), FILM.subarray(0, 50_000));
    await untilReceived(rig, first);
    assert.equal((await fetch(urlOf(rig, first), { method: 'DELETE', headers: VERSION })).status, 204);
    const second = await create(rig, { 'Upload-Length': '300000' });
    const two = await halfPatch(urlOf(rig, second), FILM.subarray(0, 50_000));
    await untilReceived(rig, second);
    const video = await rig.video(second.headers.get('sluice-video-id') ?? '');
    assert.ok(video);
    await rig.catalog.videos.delete(video.id);
    await rig.ingest.endUploadOf(video.id);
    await rig.assertEmpty();
    for (const socket of [one, two]) socket.destroy();
  });

  test('a client that sends everything and does not wait for the answer has its video', async () => {
    await using rig = await rigged();
    for (let round = 0; round < 10; round++) {
      const url = urlOf(rig, await create(rig, { 'Upload-Length': '300000' }));
      const socket = await halfPatch(url, FILM);
      await sleep(round);
      socket.destroy();
      await until('what was sent has come to rest', 20_000, async () => {
        const offset = await offsetOf(url);
        if (offset < FILM.length) await patch(url, offset, FILM.subarray(offset));
        return offset === FILM.length || undefined;
      });
    }
    assert.equal(rig.arrived.length, 10);
    for (const { id } of rig.arrived) assert.equal(await rig.sha256(id), sha256Of(FILM));
  });

  test('of two that write at the same time, one goes on, and not a byte is mixed up', async () => {
    await using rig = await rigged();
    const url = urlOf(rig, await create(rig, { 'Upload-Length': '300000' }));
    const answers = await Promise.all([0, 1, 2, 3].map(() => patch(url, 0, FILM)));
    assert.ok(answers.some(({ status }) => status === 204));
    for (let offset = await offsetOf(url); offset < FILM.length; offset = await offsetOf(url)) {
      await patch(url, offset, FILM.subarray(offset));
    }
    assert.equal(await rig.sha256(rig.arrived[0]?.id ?? ''), sha256Of(FILM));
  });
});

async function rigged(options: RigOptions = {}): Promise<Rig> {
  const folder = await temporaryFolder();
  const rig = await startRig(folder.path, options);
  return {
    ...rig,
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function create(
  rig: Rig,
  headers: Record<string, string>,
  body?: Uint8Array<ArrayBuffer>,
): Promise<Response> {
  const url = `${rig.origin}/api/v1/uploads`;
  return fetch(url, { method: 'POST', headers: { ...VERSION, ...headers }, ...(body ? { body } : {}) });
}

function patch(
  url: string,
  offset: number,
  body: Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(url, {
    method: 'PATCH',
    headers: { ...BYTES, 'Upload-Offset': String(offset), ...headers },
    body,
  });
}

async function offsetOf(url: string): Promise<number> {
  const answer = await fetch(url, { method: 'HEAD', headers: VERSION });
  assert.equal(answer.status, 200);
  return Number(answer.headers.get('upload-offset'));
}

/** Waits until the server has taken what was sent to the newest upload: the first bytes, and the others a moment later. */
async function untilReceived(rig: Rig, created: Response): Promise<void> {
  const videoId = created.headers.get('sluice-video-id');
  const isProgress = (event: Rig['events'][number]) =>
    event.type === 'upload-progress' && event.videoId === videoId && event.receivedBytes > 0;
  await until('bytes have arrived', 20_000, () => rig.events.some(isProgress) || undefined);
  await sleep(300);
}

/** Begins to send the whole film, sends only `bytes` of it, and leaves the connection open. */
async function halfPatch(url: string, bytes: Uint8Array) {
  const { hostname, port, pathname } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  const head = [
    `PATCH ${pathname} HTTP/1.1`,
    `Host: ${hostname}:${port}`,
    'Tus-Resumable: 1.0.0',
    'Upload-Offset: 0',
    'Content-Type: application/offset+octet-stream',
    `Content-Length: ${FILM.length}`,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
  return socket;
}

function urlOf(rig: Rig, created: Response): string {
  return new URL(created.headers.get('location') ?? '', rig.origin).href;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
