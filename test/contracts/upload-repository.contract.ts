/** What every upload repository does. A database's test calls this with a way to make an empty one. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { newUploadId, type StoredUpload } from '../../src/catalog/upload.ts';
import type { UploadRepository } from '../../src/catalog/upload-repository.ts';
import { newVideoId } from '../../src/catalog/video.ts';
import { rejects } from './object-store.contract.ts';

/** An empty repository, and how to get rid of it. */
export type UploadsUnderTest = AsyncDisposable & { readonly uploads: UploadRepository };

/** Registers the tests of `subject`. Each of them calls `make` for a repository of its own. */
export function testUploadRepository(subject: string, make: () => Promise<UploadsUnderTest>): void {
  describe(`${subject} is an upload repository`, () => {
    test('gives back what was inserted', async () => {
      await using made = await make();
      for (const upload of [bareUpload(), fullUpload()]) {
        await made.uploads.insert(upload);
        assert.deepEqual(await made.uploads.get(upload.id), upload);
        assert.deepEqual(await made.uploads.findByVideo(upload.videoId), upload);
      }
    });

    test('knows nothing of what was never inserted', async () => {
      await using made = await make();
      const { id, videoId } = bareUpload();
      assert.equal(await made.uploads.get(id), undefined);
      assert.equal(await made.uploads.findByVideo(videoId), undefined);
      assert.equal(await made.uploads.update(id, { state: 'ended' }), undefined);
      assert.deepEqual(await made.uploads.list('receiving'), []);
      await made.uploads.delete(id);
    });

    test('has one upload of an id, and one for a video', async () => {
      await using made = await make();
      const upload = bareUpload();
      await made.uploads.insert(upload);
      await rejects(made.uploads.insert({ ...bareUpload(), id: upload.id }), 'invalid_request');
      await rejects(made.uploads.insert({ ...bareUpload(), videoId: upload.videoId }), 'invalid_request');
      assert.deepEqual(await made.uploads.list('receiving'), [upload]);
    });

    test('changes what it is told to, and nothing else', async () => {
      await using made = await make();
      const other = fullUpload();
      await made.uploads.insert(other);
      let expected = bareUpload();
      await made.uploads.insert(expected);
      const changes = [
        { totalBytes: 2 ** 45 },
        { expiresAt: new Date(1) },
        { validator: 'W/"x"' },
        { state: 'complete' },
      ] as const;
      for (const change of changes) {
        expected = { ...expected, ...change };
        assert.deepEqual(await made.uploads.update(expected.id, change), expected);
        assert.deepEqual(await made.uploads.get(expected.id), expected);
      }
      const { totalBytes: _bytes, validator: _validator, ...bare } = expected;
      assert.deepEqual(await made.uploads.update(bare.id, { totalBytes: null, validator: null }), bare);
      assert.deepEqual(await made.uploads.get(other.id), other);
    });

    test('changes nothing where the condition does not hold', async () => {
      await using made = await make();
      const upload = fullUpload();
      await made.uploads.insert(upload);
      assert.equal(
        await made.uploads.update(upload.id, { state: 'ended' }, { state: 'complete' }),
        undefined,
      );
      assert.equal(
        await made.uploads.update(upload.id, { totalBytes: 7 }, { isLengthUnknown: true }),
        undefined,
      );
      assert.deepEqual(await made.uploads.get(upload.id), upload);
    });

    test('of many changes that end it at once, one succeeds', async () => {
      await using made = await make();
      const { id } = bareUpload();
      await made.uploads.insert({ ...bareUpload(), id });
      const changes = Array.from({ length: 8 }, (_, index) =>
        made.uploads.update(id, { state: index % 2 === 0 ? 'ended' : 'complete' }, { state: 'receiving' }),
      );
      assert.equal((await Promise.all(changes)).filter((changed) => changed !== undefined).length, 1);
    });

    test('lists by state, and what has expired', async () => {
      await using made = await make();
      const early = { ...bareUpload(), expiresAt: new Date(1000) };
      const late = { ...bareUpload(), expiresAt: new Date(3000), state: 'ended' as const };
      await made.uploads.insert(early);
      await made.uploads.insert(late);
      assert.deepEqual(await made.uploads.list('receiving'), [early]);
      assert.deepEqual(await made.uploads.list('ended'), [late]);
      assert.deepEqual(await made.uploads.listExpired(new Date(999)), []);
      assert.deepEqual(await made.uploads.listExpired(new Date(1000)), [early]);
      assert.deepEqual(new Set(await made.uploads.listExpired(new Date(3000))), new Set([early, late]));
      await made.uploads.delete(early.id);
      assert.deepEqual(await made.uploads.listExpired(new Date(3000)), [late]);
    });
  });
}

function bareUpload(): StoredUpload {
  return {
    id: newUploadId(randomBytes(16)),
    videoId: newVideoId(Date.now(), randomBytes(10)),
    origin: 'resumable',
    state: 'receiving',
    filename: `it's a "film"; -- 🎬.mp4`,
    expiresAt: new Date('2031-02-03T04:05:06.789Z'),
  };
}

function fullUpload(): StoredUpload {
  return {
    ...bareUpload(),
    origin: 'pull',
    title: 'A title',
    totalBytes: 5 * 1024 ** 3,
    url: 'https://example.org/film.mp4?a=b',
    validator: '"etag"',
  };
}
