/** The ways in, on real sockets, with a real catalog and a real store; what arrives goes nowhere from there. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { openDeployment } from '../../src/app/deployment.ts';
import { openObjects } from '../../src/app/places.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { type Video, parseVideoId } from '../../src/catalog/video.ts';
import { readConfig } from '../../src/config.ts';
import { editVideo } from '../../src/pipeline/edit-video.ts';
import { createVideoEvents, type VideoEvent } from '../../src/pipeline/events.ts';
import { type Change, changesOf } from '../../src/pipeline/change.ts';
import { createIngest, type Ingest, type IngestOptions } from '../../src/pipeline/ingest.ts';
import { httpFiles } from '../../src/remote/http-files.ts';
import { parseObjectKey } from '../../src/storage/object-key.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import type { PartialObjects } from '../../src/storage/partial-objects.ts';
import type { ServerSettings } from '../../src/server/server.ts';
import { deploymentOf } from '../e2e/shared-deployment.ts';
import { SETTINGS, startServer, videosOf } from '../server/support.ts';

export type Rig = AsyncDisposable & {
  /** `http://127.0.0.1:port` */
  readonly origin: string;
  readonly ingest: Ingest;
  readonly catalog: Catalog;
  readonly partials: PartialObjects;
  readonly sources: ObjectStore;
  /** Videos that arrived, in order. */
  readonly arrived: readonly Video[];
  readonly events: readonly VideoEvent[];
  video(id: string): Promise<Video | undefined>;
  /** What is stored of a video, as SHA-256. */
  sha256(id: string): Promise<string>;
  /** Fails unless there is no trace of any video: no row, no object, no partial one. */
  assertEmpty(): Promise<void>;
};

export type RigOptions = Partial<IngestOptions> & {
  readonly settings?: Partial<ServerSettings>;
  /** What stands between the ways in and the catalog. */
  readonly aroundChange?: (change: Change) => Change;
};

const SILENT = { info() {}, warn() {}, error() {} };

/** Over the folder `root`, where an earlier one may have left things. */
export async function startRig(root: string, options: RigOptions = {}): Promise<Rig> {
  const { settings, aroundChange = (change) => change, ...changed } = options;
  const config = readConfig({ SLUICE_DATA: root, ...(await deploymentOf(root)) });
  const place = await openObjects(config);
  const { partials, store: sources } = place;
  const deployment = await openDeployment(config, SILENT);
  const { catalog, jobs, leases, broadcast } = deployment;
  const events = createVideoEvents(broadcast);
  const [seen, arrived] = [new Array<VideoEvent>(), new Array<Video>()];
  const remote = httpFiles();
  const { videos, uploads } = catalog;
  const ingest = createIngest({
    videos,
    uploads,
    partials,
    sources,
    remote,
    jobs,
    leases,
    broadcast,
    events: {
      ...events,
      publish(event) {
        seen.push(event);
        events.publish(event);
      },
    },
    log: SILENT,
    now: () => new Date(),
    change: aroundChange(changesOf(catalog, jobs)),
    jobsOfArrived(video) {
      arrived.push(video);
      return [];
    },
    minFreeBytes: 0,
    pullDelayMs: () => 20,
    ...changed,
  });
  await ingest.catchUp(0);
  const service = videosOf([]);
  const server = await startServer(
    {
      ingest,
      events,
      videos: { ...service, update: (id, edit) => editVideo(videos, id, edit) },
    },
    { settings: { ...SETTINGS, graceMilliseconds: 100, ...settings } },
  );
  return {
    origin: server.origin,
    ingest,
    catalog,
    partials,
    sources,
    arrived,
    events: seen,
    video: (id) => videos.get(parseVideoId(id)),
    async sha256(id) {
      const hash = createHash('sha256');
      const { body } = await sources.get(parseObjectKey(`sources/${id}`));
      for await (const chunk of body) hash.update(chunk);
      return hash.digest('hex');
    },
    async assertEmpty() {
      assert.deepEqual((await videos.list({ limit: 200 })).items, []);
      assert.deepEqual(await uploads.list('receiving'), []);
      assert.deepEqual(await Array.fromAsync(partials.list()), []);
      assert.deepEqual(await Array.fromAsync(sources.list(parseObjectKey('sources'))), []);
    },
    async [Symbol.asyncDispose]() {
      await ingest.close();
      await jobs.close(0);
      await server[Symbol.asyncDispose]();
      await remote[Symbol.asyncDispose]();
      await deployment.close();
      place[Symbol.dispose]();
    },
  };
}

/** Bytes that begin as an MP4 file does, so that they are taken, and differ from their neighbours. */
export function filmBytes(length: number): Buffer<ArrayBuffer> {
  const bytes = Buffer.from(Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8) * 7) % 251));
  bytes.set(Buffer.from('\0\0\0\x18ftypisom\0\0\0\0isommp42', 'latin1').subarray(0, length));
  return bytes;
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Fails unless `answer` is a problem of this status and code. */
export async function assertProblem(answer: Response, status: number, code: string): Promise<void> {
  const text = await answer.text();
  assert.equal(answer.status, status, text);
  assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json\b/);
  assert.equal(JSON.parse(text).code, code, text);
}
