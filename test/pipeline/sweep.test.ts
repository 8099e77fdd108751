/** What is left behind is found, and what other processes are in the middle of is left alone. */
import assert from 'node:assert/strict';
import { mkdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { openSqliteCatalog } from '../../src/catalog/sqlite.ts';
import { newVideoId, type Video, type VideoId } from '../../src/catalog/video.ts';
import { embeddedBroadcast } from '../../src/cluster/broadcast.ts';
import { isAppError } from '../../src/errors.ts';
import { CaptionStore } from '../../src/pipeline/caption-store.ts';
import { createVideoEvents, type VideoEvent } from '../../src/pipeline/events.ts';
import { PosterStore } from '../../src/pipeline/poster-store.ts';
import { SegmentStore } from '../../src/pipeline/segment-store.ts';
import { sweep, type SweepOptions } from '../../src/pipeline/sweep.ts';
import { fileSystemStore } from '../../src/storage/file-system.ts';
import { joinKey, parseObjectKey } from '../../src/storage/object-key.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { prefixStore } from '../../src/storage/prefix.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';

const HOUR_MS = 60 * 60 * 1000;
const { signal } = new AbortController();
const BYTES = new Uint8Array(10);

describe('the sweep, beside other processes', () => {
  const cleanUp = new AsyncDisposableStack();
  let root: string;
  let objects: ObjectStore;
  let catalog: Catalog;
  let options: SweepOptions;
  const events: VideoEvent[] = [];
  const broadcast = embeddedBroadcast();

  before(async () => {
    root = cleanUp.use(await temporaryFolder()).path;
    catalog = await openSqliteCatalog({ file: join(root, 'a.db'), now: () => new Date() });
    await mkdir(join(root, 'objects'));
    objects = fileSystemStore(join(root, 'objects'));
    const told = createVideoEvents(broadcast);
    told.listen((event) => events.push(event));
    options = {
      videos: catalog.videos,
      segments: newSegments(objects),
      texts: new CaptionStore(part('captions')),
      posters: new PosterStore(part('posters')),
      sources: objects,
      events: told,
      log: { info() {}, warn() {}, error() {} },
      settledBefore: new Date(Date.now() - HOUR_MS),
    };
  });
  after(async () => {
    await catalog.close();
    await cleanUp.disposeAsync();
  });

  const part = (name: string): ObjectStore => prefixStore(objects, parseObjectKey(name));

  /** What each process has of its own; objects and messages are those of all. */
  function newSegments(store: ObjectStore): SegmentStore {
    const below = (name: string): ObjectStore => prefixStore(store, parseObjectKey(name));
    return SegmentStore.shared({ kept: below('segments'), cached: below('library') }, broadcast);
  }

  async function newVideo(): Promise<Video> {
    const id = newVideoId(Date.now(), crypto.getRandomValues(new Uint8Array(10)));
    const key = joinKey('sources', id);
    const video: Video = {
      id,
      title: 'a',
      description: '',
      visibility: 'public',
      status: 'playable',
      createdAt: new Date(),
      updatedAt: new Date(),
      source: { origin: 'upload', key, name: 'a.mp4', bytes: 10, etag: 'e' },
      revision: 'r1',
    };
    await objects.put(key, BYTES);
    await catalog.videos.insert(video);
    return video;
  }

  async function isThere(key: string): Promise<boolean> {
    return objects.head(parseObjectKey(key)).then(
      () => true,
      () => false,
    );
  }

  test('posters and captions that the catalog does not know yet stay, and go once nobody can be at it', async () => {
    const { id } = await newVideo();
    const poster = `posters/${id}/${await options.posters.put(id, BYTES, signal)}.jpg`;
    const text = `captions/${id}/${await options.texts.put(id, 'en', 'WEBVTT\n', signal)}.vtt`;
    await sweep(options, signal);
    assert.deepEqual([await isThere(poster), await isThere(text)], [true, true]);
    const longAgo = new Date(Date.now() - 2 * HOUR_MS);
    for (const key of [poster, text]) await utimes(join(root, 'objects', key), longAgo, longAgo);
    await sweep(options, signal);
    assert.deepEqual([await isThere(poster), await isThere(text)], [false, false]);
  });

  test('what comes to belong to a video while it sweeps stays', async () => {
    const { id } = await newVideo();
    const segments = newSegments(objects);
    let later: VideoId | undefined;
    let poster: string | undefined;
    const videos: SweepOptions['videos'] = {
      ...catalog.videos,
      async listBySource(origin) {
        const list = await catalog.videos.listBySource(origin);
        if (later !== undefined) return list;
        // Through another server, in the moment after the list was read.
        later = (await newVideo()).id;
        segments.keep(later);
        await segments.putSegment({ videoId: later, revision: 'r1', trackId: 'v' }, 0, BYTES, signal);
        poster = await options.posters.put(id, BYTES, signal);
        await catalog.videos.update(id, { poster });
        return list;
      },
    };
    const settledBefore = new Date(Date.now() + HOUR_MS);
    await sweep({ ...options, videos, settledBefore }, signal);
    assert.ok(await isThere(`segments/${later}/r1/v/0.m4s`));
    assert.ok(await isThere(`sources/${later}`));
    assert.ok(await isThere(`posters/${id}/${poster}.jpg`));
  });

  test('a video that is deleted elsewhere while its source is looked for did not fail', async () => {
    const { id } = await newVideo();
    events.length = 0;
    const sources: ObjectStore = {
      ...objects,
      async head(key, more) {
        if (key.endsWith(id)) {
          await catalog.videos.delete(id);
          await objects.delete(key);
        }
        return objects.head(key, more);
      },
    };
    await sweep({ ...options, sources }, signal);
    assert.deepEqual(
      events.filter((event) => 'videoId' in event && event.videoId === id),
      [],
    );
  });

  test('a segment that a worker is storing while its video is deleted elsewhere does not stay', async () => {
    const { id } = await newVideo();
    const [putting, deleted] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const worker = newSegments({
      ...objects,
      async put(...args) {
        putting.resolve();
        await deleted.promise;
        return objects.put(...args);
      },
    });
    worker.keep(id);
    const stored = worker.putSegment({ videoId: id, revision: 'r1', trackId: 'v' }, 0, BYTES, signal);
    const refused = assert.rejects(stored, (error) => isAppError(error, 'gone'));
    await putting.promise;
    await catalog.videos.delete(id);
    await options.segments.deleteAll(id, undefined, signal);
    deleted.resolve();
    await refused;
    assert.equal(await isThere(`segments/${id}/r1/v/0.m4s`), false);
  });
});
