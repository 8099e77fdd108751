/** What every ChunkRepository must do. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { Catalog } from '../../src/catalog/catalog.ts';
import type { Chunk } from '../../src/catalog/chunk-repository.ts';
import { newVideoId, type Video } from '../../src/catalog/video.ts';
import { parseObjectKey } from '../../src/storage/object-key.ts';
import { rejects } from './object-store.contract.ts';

/** Registers the tests; `open` gives an empty catalog each time, which is closed afterwards. */
export function testChunkRepository(subject: string, open: () => Promise<Catalog>): void {
  const withVideo = async (action: (catalog: Catalog, video: Video) => Promise<void>): Promise<void> => {
    const catalog = await open();
    try {
      const video = newVideo();
      await catalog.videos.insert(video);
      await action(catalog, video);
    } finally {
      await catalog.close();
    }
  };

  test(`${subject}: waiting chunks come in the order of time, sound before picture`, () =>
    withVideo(async ({ chunks }, video) => {
      const [late, picture, sound] = [
        chunk(video, 'video', 8),
        chunk(video, 'video', 0),
        chunk(video, 'audio', 0),
      ];
      await chunks.add([late, picture, sound]);
      assert.deepEqual(await chunks.listWaiting(), [sound, picture, late]);
    }));

  test(`${subject}: adding chunks again changes nothing, not even those that are done`, () =>
    withVideo(async ({ chunks }, video) => {
      const all = [chunk(video, 'video', 0), chunk(video, 'video', 8)];
      await chunks.add(all);
      assert.equal(await chunks.markDone(all[0]!), true);
      await chunks.add(all);
      assert.deepEqual(await chunks.listWaiting(), [all[1]]);
      assert.equal(await chunks.countWaiting(video.id, 'r1'), 1);
    }));

  test(`${subject}: of many who finish a chunk at once, one is told that it has done it`, () =>
    withVideo(async ({ chunks }, video) => {
      const only = chunk(video, 'audio', 0);
      await chunks.add([only]);
      const answers = await Promise.all(Array.from({ length: 10 }, () => chunks.markDone(only)));
      assert.equal(answers.filter(Boolean).length, 1);
    }));

  test(`${subject}: a chunk that nobody planned cannot be finished`, () =>
    withVideo(async ({ chunks }, video) => {
      assert.equal(await chunks.markDone(chunk(video, 'video', 0)), false);
    }));

  test(`${subject}: the chunks of a long video are added whole`, () =>
    withVideo(async ({ chunks }, video) => {
      const many = Array.from({ length: 2500 }, (_, index) => chunk(video, 'video', index * 8));
      await chunks.add(many);
      assert.equal(await chunks.countWaiting(video.id, 'r1'), many.length);
    }));

  test(`${subject}: nothing is planned for a video that is gone`, () =>
    withVideo(async ({ chunks, videos }, video) => {
      await videos.delete(video.id);
      await rejects(chunks.add([chunk(video, 'video', 0)]), 'gone');
      assert.deepEqual(await chunks.listWaiting(), []);
    }));

  test(`${subject}: chunks go with their revision, and with their video`, () =>
    withVideo(async ({ chunks, videos }, video) => {
      await chunks.add([chunk(video, 'video', 0), { ...chunk(video, 'video', 0), revision: 'r2' }]);
      await chunks.remove(video.id, 'r2');
      assert.deepEqual(await chunks.listWaiting(), [{ ...chunk(video, 'video', 0), revision: 'r2' }]);
      await videos.delete(video.id);
      assert.deepEqual(await chunks.listWaiting(), []);
    }));
}

function chunk(video: Video, kind: Chunk['kind'], first: number): Chunk {
  return { videoId: video.id, revision: 'r1', kind, first, end: first + 8 };
}

function newVideo(): Video {
  const id = newVideoId(Date.now(), randomBytes(10));
  const at = new Date();
  const source = {
    origin: 'upload',
    key: parseObjectKey(`sources/${id}`),
    name: 'a.mp4',
    bytes: 1,
    etag: 'e',
  } as const;
  return {
    id,
    title: 'a',
    description: '',
    visibility: 'public',
    status: 'playable',
    createdAt: at,
    updatedAt: at,
    source,
    revision: 'r1',
  };
}
