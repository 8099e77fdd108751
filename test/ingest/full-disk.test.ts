/** Disks that get full: new uploads are refused before they break running ones, and all goes on once there is room. */
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { httpFiles } from '../../src/remote/http-files.ts';
import { until } from '../e2e/real-server.ts';
import { smallDisk, smallDiskSkip } from '../storage/small-disk.ts';
import { startFileHost } from './file-host.ts';
import { assertProblem, filmBytes, sha256Of, startRig } from './rig.ts';

const MB = 1_000_000;
const TUS = { 'Tus-Resumable': '1.0.0' };
const BYTES = { ...TUS, 'Content-Type': 'application/offset+octet-stream' };

test('an upload that would not fit beside the running ones is refused', { skip: smallDiskSkip }, async () => {
  await using disk = await smallDisk(24);
  await using rig = await startRig(disk.path, { minFreeBytes: 4 * MB });
  const create = (bytes: number) =>
    fetch(`${rig.origin}/api/v1/uploads`, {
      method: 'POST',
      headers: { ...TUS, 'Upload-Length': String(bytes) },
    });
  await assertProblem(await create(22 * MB), 507, 'object_store_full');
  const first = await create(14 * MB);
  assert.equal(first.status, 201);
  // There is room for it, but it is promised.
  await assertProblem(await create(8 * MB), 507, 'object_store_full');
  const film = filmBytes(14 * MB);
  const url = new URL(first.headers.get('location') ?? '', rig.origin);
  const sent = await fetch(url, { method: 'PATCH', headers: { ...BYTES, 'Upload-Offset': '0' }, body: film });
  assert.equal(sent.status, 204);
  await assertProblem(await create(8 * MB), 507, 'object_store_full');
  assert.equal((await create(2 * MB)).status, 201);
  assert.equal(await rig.sha256(rig.arrived[0]?.id ?? ''), sha256Of(film));
});

test('an upload that runs into a full disk keeps what it has, and goes on', {
  skip: smallDiskSkip,
}, async () => {
  await using disk = await smallDisk(24);
  await using rig = await startRig(disk.path);
  const film = filmBytes(18 * MB);
  const created = await fetch(`${rig.origin}/api/v1/uploads`, {
    method: 'POST',
    headers: { ...TUS, 'Upload-Length': String(film.length) },
  });
  const url = new URL(created.headers.get('location') ?? '', rig.origin);
  const patch = (offset: number) =>
    fetch(url, {
      method: 'PATCH',
      headers: { ...BYTES, 'Upload-Offset': String(offset) },
      body: film.subarray(offset),
    });
  await writeFile(join(disk.path, 'in-the-way'), Buffer.alloc(12 * MB));
  await assertProblem(await patch(0), 507, 'object_store_full');
  const head = await fetch(url, { method: 'HEAD', headers: TUS });
  const offset = Number(head.headers.get('upload-offset'));
  assert.ok(offset > 5 * MB && offset < 14 * MB, `${offset} bytes are kept`);
  await rm(join(disk.path, 'in-the-way'));
  assert.equal((await patch(offset)).status, 204);
  assert.equal(await rig.sha256(rig.arrived[0]?.id ?? ''), sha256Of(film));
});

test('a form that fills the disk leaves nothing on it', { skip: smallDiskSkip }, async () => {
  await using disk = await smallDisk(16);
  await using rig = await startRig(disk.path);
  const send = async (bytes: number) => {
    const form = new FormData();
    form.set('file', new Blob([filmBytes(bytes)]), 'film.mp4');
    return fetch(`${rig.origin}/api/v1/videos`, { method: 'POST', body: form });
  };
  await assertProblem(await send(20 * MB), 507, 'object_store_full');
  await rig.assertEmpty();
  assert.equal((await send(5 * MB)).status, 201);
});

test('an address without an end stops before the disk is full', { skip: smallDiskSkip }, async () => {
  await using disk = await smallDisk(160);
  const piece = filmBytes(MB);
  await using host = await startFileHost({
    '/film.mp4': (_request, response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write(piece));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    },
  });
  await using remote = httpFiles({ isAllowed: () => true });
  await using rig = await startRig(disk.path, { remote, minFreeBytes: 70 * MB });
  const answer = await fetch(`${rig.origin}/api/v1/videos`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ source: { url: `${host.origin}/film.mp4` } }),
  });
  const { id } = (await answer.json()) as { id: string };
  const video = await until('it has failed', 30_000, async () => {
    const now = await rig.video(id);
    return now?.status === 'failed' ? now : undefined;
  });
  assert.equal(video.error?.code, 'object_store_full');
  assert.deepEqual(await Array.fromAsync(rig.partials.list()), []);
  const most = Math.max(
    ...rig.events.map((event) => (event.type === 'upload-progress' ? event.receivedBytes : 0)),
  );
  assert.ok(most < 140 * MB, `${most} bytes had arrived`);
});
