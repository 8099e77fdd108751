/** What a crash between any two steps leaves behind is mended at the next start. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { newUploadId, type StoredUpload, type UploadOrigin } from '../../src/catalog/upload.ts';
import { newVideoId, type Video } from '../../src/catalog/video.ts';
import { embeddedBroadcast } from '../../src/cluster/broadcast.ts';
import { embeddedLeases } from '../../src/cluster/leases.ts';
import { AppError } from '../../src/errors.ts';
import type { Change } from '../../src/pipeline/change.ts';
import { parseObjectKey } from '../../src/storage/object-key.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';
import { filmBytes, type Rig, sha256Of, startRig } from './rig.ts';

const FILM = filmBytes(50_000);
const AT = new Date();
const EXPIRY_MS = 24 * 60 * 60 * 1000;

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
  readonly isUntouched?: boolean;
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
    ['an upload that nobody was told of', { totalBytes: 50_000, isUntouched: true }],
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

describe('when the catalog does not answer', () => {
  test('nothing stays of an upload that nobody was told of', async () => {
    await using folder = await temporaryFolder();
    await using rig = await startRig(folder.path, { aroundChange: answerLost(1) });
    await assert.rejects(rig.ingest.createUpload({ filename: 'film.mp4', bytes: 50_000 }), LOST);
    await rig.assertEmpty();
  });

  for (const [name, aroundChange] of [
    ['was made', answerLost(2)],
    ['was not made', changeLost(2)],
  ] as const) {
    test(`a sender who asks again is told that all has arrived, where the change ${name}`, async () => {
      await using folder = await temporaryFolder();
      await using rig = await startRig(folder.path, { aroundChange });
      const { signal } = new AbortController();
      const { id, videoId } = await rig.ingest.createUpload({ filename: 'film.mp4', bytes: 50_000 });
      await assert.rejects(rig.ingest.append(id, 0, ReadableStream.from([FILM]), signal), LOST);
      assert.equal((await rig.ingest.upload(id)).isComplete, true);
      assert.equal((await rig.video(videoId))?.status, 'inspecting');
      assert.equal(await rig.sha256(videoId), sha256Of(FILM));
    });
  }

  test('a catalog that is told twice loses nothing', async () => {
    await using folder = await temporaryFolder();
    await using rig = await startRig(folder.path);
    const { signal } = new AbortController();
    const { id, videoId } = await rig.ingest.createUpload({ filename: 'film.mp4', bytes: 50_000 });
    await rig.ingest.append(id, 0, ReadableStream.from([FILM]), signal);
    await rig.catalog.uploads.update(id, { state: 'receiving' });
    assert.equal((await rig.ingest.upload(id)).isComplete, true);
    assert.equal(await rig.sha256(videoId), sha256Of(FILM));
    assert.equal(rig.arrived.length, 1);
  });
});

const LOST = { code: 'unavailable' };

/** Of the changes the `number`th is made, but whoever asked for it is not told. */
function answerLost(number: number): (change: Change) => Change {
  let count = 0;
  return (change) => async (work) => {
    const result = await change(work);
    if (++count === number) throw new AppError('unavailable', 'the connection was lost');
    return result;
  };
}

/** Of the changes the `number`th is not made. */
function changeLost(number: number): (change: Change) => Change {
  let count = 0;
  return (change) => (work) =>
    change(async (changing) => {
      const result = await work(changing);
      if (++count === number) throw new AppError('unavailable', 'the connection was lost');
      return result;
    });
}

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
    expiresAt: new Date(AT.getTime() + (left.isUntouched ? EXPIRY_MS : EXPIRY_MS + 1)),
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
  await rig.catalog.videos.insert({
    id: videoId,
    title: 'film',
    description: '',
    visibility: 'public',
    status,
    createdAt: AT,
    updatedAt: AT,
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
