/** What a crash between any two steps leaves behind is mended at the next start. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { newUploadId, type StoredUpload, type UploadOrigin } from '../../src/catalog/upload.ts';
import { newVideoId, type Video } from '../../src/catalog/video.ts';
import { embeddedBroadcast } from '../../src/cluster/broadcast.ts';
import { embeddedLeases } from '../../src/cluster/leases.ts';
import { parseObjectKey } from '../../src/storage/object-key.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';
import { filmBytes, type Rig, sha256Of, startRig } from './rig.ts';

const FILM = filmBytes(50_000);

/** How far it had come. */
type Left = {
  readonly origin?: UploadOrigin;
  readonly hasRow?: boolean;
  readonly hasVideo?: boolean;
  readonly totalBytes?: number;
  /** Of the partial object; without it there is none. */
  readonly receivedBytes?: number;
  readonly isFinished?: boolean;
  readonly videoStatus?: Video['status'];
};

describe('after a crash', () => {
  test('an upload that was under way goes on', async () => {
    await using folder = await temporaryFolder();
    const upload = await leave(folder.path, { receivedBytes: 20_000, totalBytes: 50_000 });
    await using rig = await startRig(folder.path);
    const { signal } = new AbortController();
    assert.equal((await rig.ingest.upload(upload.id)).receivedBytes, 20_000);
    const rest = ReadableStream.from([FILM.subarray(20_000)]);
    assert.equal((await rig.ingest.append(upload.id, 20_000, rest, signal)).isComplete, true);
    assert.equal(await rig.sha256(upload.videoId), sha256Of(FILM));
  });

  for (const [name, left] of [
    ['before its bytes were made an object', { receivedBytes: 50_000 }],
    ['before its video was told', { isFinished: true }],
  ] as const) {
    test(`an upload whose last byte was in becomes a video: it fell ${name}`, async () => {
      await using folder = await temporaryFolder();
      const upload = await leave(folder.path, { totalBytes: 50_000, ...left });
      await using rig = await startRig(folder.path);
      const video = await rig.video(upload.videoId);
      assert.equal(video?.status, 'inspecting');
      assert.equal(video?.source.bytes, 50_000);
      assert.equal(video?.source.name, 'film.mp4');
      assert.deepEqual(rig.arrived, [video]);
      assert.equal(await rig.sha256(upload.videoId), sha256Of(FILM));
      assert.equal((await rig.ingest.upload(upload.id)).isComplete, true);
      assert.deepEqual(await Array.fromAsync(rig.partials.list()), []);
    });
  }

  test('what another server is receiving just now is left alone', async () => {
    await using folder = await temporaryFolder();
    const both = { leases: embeddedLeases(), broadcast: embeddedBroadcast() };
    await using receiving = await startRig(folder.path, both);
    const body = new TransformStream<Uint8Array, Uint8Array>();
    const writer = body.writable.getWriter();
    const { signal } = new AbortController();
    const added = receiving.ingest.addFile({ filename: 'film.mp4' }, body.readable, signal);
    await writer.write(FILM.subarray(0, 20_000));
    // It looks for what a crash has left as it starts.
    await using starting = await startRig(folder.path, both);
    await starting.ingest.catchUp(0);
    await writer.write(FILM.subarray(20_000));
    await writer.close();
    const video = await added;
    assert.equal(video.status, 'inspecting');
    assert.equal(await starting.sha256(video.id), sha256Of(FILM));
  });

  test('an upload that only was not noted as complete is noted, and its video stays as it is', async () => {
    await using folder = await temporaryFolder();
    const left = { totalBytes: 50_000, isFinished: true, videoStatus: 'ready' } as const;
    const upload = await leave(folder.path, left);
    await using rig = await startRig(folder.path);
    assert.equal((await rig.video(upload.videoId))?.status, 'ready');
    assert.equal((await rig.ingest.upload(upload.id)).isComplete, true);
    assert.deepEqual(rig.arrived, []);
  });

  test('a video whose bytes are gone says so', async () => {
    await using folder = await temporaryFolder();
    const upload = await leave(folder.path, { totalBytes: 50_000 });
    await using rig = await startRig(folder.path);
    const video = await rig.video(upload.videoId);
    assert.equal(video?.status, 'failed');
    assert.equal(video?.error?.code, 'source_vanished');
    await assert.rejects(rig.ingest.upload(upload.id), { code: 'gone' });
  });

  for (const [name, left] of [
    ['a partial object that nobody knows', { receivedBytes: 100, hasRow: false, hasVideo: false }],
    ['an upload that has no video yet', { receivedBytes: 0, hasVideo: false }],
    ['a form that was being sent', { origin: 'direct', receivedBytes: 20_000 }],
    ['a form whose end nobody was told of', { origin: 'direct', isFinished: true, totalBytes: 50_000 }],
  ] as const) {
    test(`nothing stays of ${name}`, async () => {
      await using folder = await temporaryFolder();
      await leave(folder.path, left);
      await using rig = await startRig(folder.path);
      await rig.assertEmpty();
      assert.deepEqual(rig.arrived, []);
    });
  }
});

/** Makes the traces of an upload that came so far. */
async function leave(root: string, left: Left): Promise<StoredUpload> {
  const rig = await startRig(root);
  const upload: StoredUpload = {
    id: newUploadId(randomBytes(16)),
    videoId: newVideoId(Date.now(), randomBytes(10)),
    origin: left.origin ?? 'resumable',
    state: 'receiving',
    filename: 'film.mp4',
    ...(left.totalBytes === undefined ? {} : { totalBytes: left.totalBytes }),
    expiresAt: new Date(Date.now() + 3_600_000),
  };
  if (left.hasRow !== false) await rig.catalog.uploads.insert(upload);
  if (left.hasVideo !== false) await insertVideo(rig, upload, left.videoStatus ?? 'uploading');
  if (left.receivedBytes !== undefined) {
    await rig.partials.create(upload.id, parseObjectKey(`sources/${upload.videoId}`));
    const body = ReadableStream.from([FILM.subarray(0, left.receivedBytes)]);
    await rig.partials.append(upload.id, 0, body, { limitBytes: 1e9 });
  }
  if (left.isFinished) await rig.sources.put(parseObjectKey(`sources/${upload.videoId}`), FILM);
  await rig[Symbol.asyncDispose]();
  return upload;
}

async function insertVideo(
  rig: Rig,
  { videoId, filename }: StoredUpload,
  status: Video['status'],
): Promise<void> {
  const at = new Date();
  await rig.catalog.videos.insert({
    id: videoId,
    title: 'film',
    description: '',
    visibility: 'public',
    status,
    createdAt: at,
    updatedAt: at,
    source: {
      origin: 'upload',
      key: parseObjectKey(`sources/${videoId}`),
      name: filename,
      bytes: 0,
      etag: '',
    },
    revision: '',
  });
}
