/** A new release cuts differently, or encodes ahead: what becomes of uploads that an earlier run began or finished. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSqliteCatalog } from '../../src/catalog/sqlite.ts';
import { newVideoId, type Video } from '../../src/catalog/video.ts';
import { embeddedBroadcast } from '../../src/cluster/broadcast.ts';
import type { MediaEngine } from '../../src/engine/engine.ts';
import { EmbeddedJobQueue } from '../../src/jobs/embedded.ts';
import { Background } from '../../src/pipeline/background.ts';
import { changesOf } from '../../src/pipeline/change.ts';
import { chunksOf } from '../../src/pipeline/encode-missing.ts';
import { createVideoEvents } from '../../src/pipeline/events.ts';
import { revisionOf } from '../../src/pipeline/library.ts';
import { cutOf, Plans } from '../../src/pipeline/plans.ts';
import { SegmentProgress } from '../../src/pipeline/segment-progress.ts';
import { SegmentStore } from '../../src/pipeline/segment-store.ts';
import { sourceKey } from '../../src/pipeline/new-upload.ts';
import { planSource } from '../../src/media/plan.ts';
import { fileSystemStore, prepareFolder } from '../../src/storage/file-system.ts';
import { parseObjectKey } from '../../src/storage/object-key.ts';
import { prefixStore } from '../../src/storage/prefix.ts';
import { sourceInfo } from '../server/sintel.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';

const OLD_REVISION = '0123456789ab';
const NEW_REVISION = revisionOf('"bytes"');
const plan = planSource(sourceInfo);
const signal = AbortSignal.timeout(120_000);
const silent = { info() {}, warn() {}, error() {} };

test('an upload that an older release half encoded is encoded anew as a whole', async () => {
  await using rig = await startRig();
  const video = await rig.add({ status: 'playable' });
  const old = chunksOf(video, plan);
  await rig.chunks.add(old);
  await rig.chunks.markDone(old[0]!);
  await rig.putOldSegment(video);
  await rig.background.catchUp();
  await rig.jobs.onIdle();
  const renewed = await rig.videos.get(video.id);
  assert.equal(renewed?.revision, NEW_REVISION);
  assert.equal(renewed?.status, 'ready');
  assert.equal(await rig.chunks.countWaiting(video.id, OLD_REVISION), 0);
  const keys = await rig.storedKeys(video);
  const segments = plan.presentation.tracks.map(({ id, segments: { length } }) => [id, length] as const);
  const wanted = segments.flatMap(([id, length]) => [
    `${NEW_REVISION}/${id}/init.mp4`,
    ...Array.from({ length }, (_, index) => `${NEW_REVISION}/${id}/${index}.m4s`),
  ]);
  assert.deepEqual(keys.toSorted(), wanted.toSorted());
});

test('a finished upload stays where this release would describe what is stored', async () => {
  await using rig = await startRig();
  const video = await rig.add({ status: 'ready', content: media(cutOf(plan)) });
  await rig.putOldSegment(video);
  await rig.background.catchUp();
  await rig.jobs.onIdle();
  assert.deepEqual(await rig.videos.get(video.id), video);
  assert.equal((await rig.storedKeys(video)).length, 1);
});

test('a finished upload that was cut differently, or nobody knows how, is encoded anew', async () => {
  await using rig = await startRig();
  for (const content of [media('another'), media()]) {
    const video = await rig.add({ status: 'ready', content });
    await rig.putOldSegment(video);
    await rig.background.catchUp();
    await rig.jobs.onIdle();
    assert.equal((await rig.videos.get(video.id))?.revision, NEW_REVISION);
    assert.ok((await rig.storedKeys(video)).every((key) => key.startsWith(NEW_REVISION)));
    rig.restart();
  }
});

test('an upload of which only what viewers asked for was encoded is encoded as a whole from now on', async () => {
  await using rig = await startRig();
  const video = await rig.add({ status: 'playable', revision: NEW_REVISION });
  await rig.background.catchUp();
  await rig.jobs.onIdle();
  assert.equal((await rig.videos.get(video.id))?.status, 'ready');
  const segments = plan.presentation.tracks.reduce((sum, track) => sum + track.segments.length, 0);
  const keys = await rig.storedKeys(video);
  assert.equal(keys.filter((key) => key.endsWith('.m4s')).length, segments);
});

test('uploads of this release, failed ones, and those whose source is gone stay as they are', async () => {
  await using rig = await startRig();
  const error = { code: 'source_damaged', message: 'it is damaged' } as const;
  const kept = [
    await rig.add({ status: 'ready', revision: NEW_REVISION }),
    await rig.add({ status: 'failed', error }),
    await rig.add({ status: 'ready' }, { hasSource: false }),
  ];
  await rig.background.catchUp();
  await rig.jobs.onIdle();
  for (const video of kept) assert.deepEqual(await rig.videos.get(video.id), video);
});

function media(cut?: string): NonNullable<Video['content']> {
  return { kind: 'media', source: sourceInfo, ...(cut === undefined ? {} : { cut }) };
}

/** Its engine makes each segment of one byte. */
const engine = {
  inspect: async () => sourceInfo,
  initSegments: async (encodings) => new Map(encodings.map(({ trackId }) => [trackId, new Uint8Array(1)])),
  async *encode({ encodings, first, end }) {
    for (let index = first; index < end; index++) {
      for (const { trackId } of encodings) yield { trackId, index, bytes: new Uint8Array(1) };
    }
  },
} satisfies Pick<MediaEngine, 'inspect' | 'initSegments' | 'encode'> as unknown as MediaEngine;

async function startRig() {
  const folder = await temporaryFolder();
  await prepareFolder(folder.path, Date.now());
  const catalog = await openSqliteCatalog({
    file: join(folder.path, 'catalog.sqlite'),
    now: () => new Date(),
  });
  const { videos, chunks } = catalog;
  const objects = fileSystemStore(folder.path);
  const kept = prefixStore(objects, parseObjectKey('segments'));
  const broadcast = embeddedBroadcast();
  const stores = { kept, cached: prefixStore(objects, parseObjectKey('library')) };
  const segments = await SegmentStore.open(stores, broadcast, signal);
  const events = createVideoEvents(broadcast);
  const plans = new Plans();
  const jobs = new EmbeddedJobQueue({ onError: assert.ifError });
  const newBackground = (): Background =>
    new Background({
      videos,
      chunks,
      jobs,
      engine,
      segments,
      plans,
      objects,
      events,
      progress: new SegmentProgress(plans, segments, events, broadcast),
      sourceOf: ({ id }) => ({ identity: id, bytes: 1, read: async () => new Uint8Array(1) }),
      log: silent,
      mode: 'eager',
      concurrency: 1,
      behind: [],
      jobsBeside: () => [],
      change: changesOf(catalog, jobs),
    });
  let background = newBackground();
  background.start();
  let count = 0;
  return {
    videos,
    chunks,
    jobs,
    get background() {
      return background;
    },
    /** What a process does at its start, it does once. */
    restart() {
      background = newBackground();
    },
    async add(changes: Partial<Video>, { hasSource = true } = {}): Promise<Video> {
      const id = newVideoId(Date.now(), new Uint8Array(10).fill(++count));
      const key = sourceKey(id);
      await videos.insert({
        id,
        title: 'Film',
        description: '',
        visibility: 'public',
        status: 'playable',
        createdAt: new Date(),
        updatedAt: new Date(),
        source: { origin: 'upload', key, name: 'film.mkv', bytes: 1, etag: '"bytes"' },
        revision: OLD_REVISION,
        content: media(),
        ...changes,
      });
      if (hasSource) await objects.put(key, new Uint8Array(1), { signal });
      return (await videos.get(id))!;
    },
    /** Of a rung that is planned now, too. */
    async putOldSegment({ id, revision }: Video): Promise<void> {
      segments.keep(id);
      const { id: trackId } = plan.presentation.tracks[0]!;
      await segments.putSegment({ videoId: id, revision, trackId }, 0, new Uint8Array(2), signal);
    },
    async storedKeys({ id }: Video): Promise<readonly string[]> {
      const objectsOf = await Array.fromAsync(kept.list(parseObjectKey(id), { signal }));
      return objectsOf.map(({ key }) => key.slice(id.length + 1));
    },
    async [Symbol.asyncDispose]() {
      await jobs.close(0);
      await catalog.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}
