/** What a server and a worker both need: stores, the engine, and whatever is made with it. */
import { randomUUID } from 'node:crypto';
import { availableParallelism, totalmem } from 'node:os';
import { Registry } from 'prom-client';
import type { Video } from '../catalog/video.ts';
import type { Config } from '../config.ts';
import { startEngine } from '../engine/supervisor.ts';
import { Background } from '../pipeline/background.ts';
import { changesOf } from '../pipeline/change.ts';
import { CaptionExtraction } from '../pipeline/caption-extraction.ts';
import { CaptionJobs } from '../pipeline/caption-jobs.ts';
import { CaptionStore } from '../pipeline/caption-store.ts';
import { DemandWorker } from '../pipeline/demand-worker.ts';
import { createVideoEvents } from '../pipeline/events.ts';
import type { Log } from '../pipeline/log.ts';
import { meteredChange, meteredEngine, meteredVideos } from '../pipeline/metered.ts';
import { OnDemandEncoder } from '../pipeline/on-demand.ts';
import { PictureJobs } from '../pipeline/picture-jobs.ts';
import { Pictures } from '../pipeline/pictures.ts';
import { Plans } from '../pipeline/plans.ts';
import { readAhead } from '../pipeline/read-ahead.ts';
import { PosterStore } from '../pipeline/poster-store.ts';
import { RemoteMaker } from '../pipeline/remote-maker.ts';
import { SegmentProgress } from '../pipeline/segment-progress.ts';
import type { SegmentMaker } from '../pipeline/segment-maker.ts';
import { SegmentStore } from '../pipeline/segment-store.ts';
import { sourceBytes } from '../pipeline/source-bytes.ts';
import { pipelineMetrics } from '../server/pipeline-metrics.ts';
import { parseObjectKey } from '../storage/object-key.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { prefixStore } from '../storage/prefix.ts';
import { prefixUrls } from '../storage/read-urls.ts';
import { openSizeLimitedStore } from '../storage/size-limited.ts';
import type { Deployment } from './deployment.ts';
import { type Objects, openLibrary, openObjects } from './places.ts';

/** Below SLUICE_STORE: finished media of library videos, which can be made again at any time. */
const LIBRARY_SEGMENTS = parseObjectKey('library');
/** Below SLUICE_STORE: finished media of uploads, which stays. */
const UPLOAD_SEGMENTS = parseObjectKey('segments');
/** Below SLUICE_STORE: posters that people chose, of uploads and of library videos. */
const POSTERS = parseObjectKey('posters');
/** Below SLUICE_STORE: the texts of captions, of uploads and of library videos. */
const CAPTIONS = parseObjectKey('captions');
/** Children that wait for a first request: the picture and the sound of one new viewer. */
const SPARE_CHILDREN = 2;
const IDLE_CHILD_MS = 20_000;
/** What a child needs for a ladder from 2160p down. */
const BACKGROUND_CHILD_BYTES = 1.5 * 1024 ** 3;

/** The parts, made and not yet at work. */
export type Core = Awaited<ReturnType<typeof openCore>>;

/** Makes the parts. `close` ends the engine, not the deployment. */
export async function openCore(config: Config, deployment: Deployment, log: Log, signal: AbortSignal) {
  const { catalog, jobs, broadcast } = deployment;
  const id = randomUUID();
  const cores = availableParallelism();
  const registry = new Registry();
  const metrics = pipelineMetrics(registry);
  const place = await openObjects(config);
  const objects = place.store;
  const engine = meteredEngine(startEngine({ spares: SPARE_CHILDREN, idleMs: IDLE_CHILD_MS }), metrics);

  const { store: library, watch } = openLibrary(config);
  const { segments, cached, cachedBytes } = await openSegments(config, deployment, place, log, signal);

  const videos = meteredVideos(catalog.videos, metrics);
  const plans = new Plans();
  const texts = new CaptionStore(prefixStore(objects, CAPTIONS));
  const posters = new PosterStore(prefixStore(objects, POSTERS));
  const events = createVideoEvents(broadcast);
  const progress = new SegmentProgress(plans, segments, events, broadcast);
  const sourceOf = (video: Video) =>
    readAhead(sourceBytes(video.source.origin === 'library' ? library : objects, video.source));
  const extraction = new CaptionExtraction({ engine, texts, sourceOf, library, closing: signal });
  // Others cannot stop what goes on here, and what it stored then would belong to nothing.
  events.listen((event) => {
    if (event.type === 'deleted') void extraction.stop(event.videoId);
  });
  const captionJobs = new CaptionJobs({ videos, jobs, extraction, log });
  const pictures = new Pictures({ engine, segments, posters, plans, sourceOf, library, concurrency: 1 });
  const pictureJobs = new PictureJobs({ videos, jobs, pictures, log });
  const change = meteredChange(changesOf(catalog, jobs), metrics);
  const made = { videos, jobs, change, engine, segments, plans, progress, events, sourceOf, log };
  const background = new Background({
    ...made,
    objects,
    chunks: catalog.chunks,
    mode: config.encode,
    concurrency: backgroundConcurrency(),
    behind: config.encode === 'eager' ? [pictureJobs.worker()] : [],
    jobsBeside: (video) => [...captionJobs.jobsOf(video), ...pictureJobs.jobsOf(video)],
  });
  const encoder = new OnDemandEncoder({
    ...made,
    slots: Math.max(2, cores),
    now: () => performance.now(),
    onWaiting: (isWaiting) => {
      background.hold(isWaiting);
      captionJobs.hold(isWaiting);
      pictureJobs.hold(isWaiting);
    },
    onFailed: (video, { code, message }) => {
      log.error({ video: video.id, code }, 'a video cannot be encoded');
      void videos
        .update(video.id, { status: 'failed', error: { code, message } }, { revision: video.revision })
        .then((failed) => failed && events.publish({ type: 'status', videoId: failed.id, status: 'failed' }))
        // It is not noted, and fails again for the next viewer.
        .catch((err: unknown) => log.error({ err, video: video.id }, 'a failure could not be noted'));
    },
  });
  const maker: SegmentMaker = deployment.isShared
    ? new RemoteMaker({ id, jobs, broadcast, segments, progress })
    : encoder;

  return {
    ...made,
    registry,
    metrics,
    library,
    watch,
    place,
    objects,
    cached,
    cachedBytes,
    texts,
    posters,
    extraction,
    pictures,
    pictureJobs,
    background,
    maker,

    /** Encodes from now on: what viewers of any server wait for, and what the background has to do. */
    startEncoding(): void {
      if (deployment.isShared) {
        // Pictures and sound have as many runs each.
        const concurrency = 2 * Math.max(2, cores);
        new DemandWorker({ ...made, id, broadcast, encoder, concurrency }).start();
      }
      background.start();
      captionJobs.start();
    },

    /** Whoever waits for a segment that is made here is told so. */
    stopEncoding: () => encoder.close(),

    /** Ends the engine. */
    async close(): Promise<void> {
      encoder.close();
      await engine[Symbol.asyncDispose]();
      place[Symbol.dispose]();
    },
  };
}

/** Alone, everything that is stored is known, and every use of it; as one of several, what was looked for. */
async function openSegments(
  config: Config,
  { isShared, broadcast }: Deployment,
  { store, readUrls }: Objects,
  log: Log,
  signal: AbortSignal,
): Promise<{ segments: SegmentStore; cached: ObjectStore; cachedBytes: () => number }> {
  const kept = prefixStore(store, UPLOAD_SEGMENTS);
  const all = prefixStore(store, LIBRARY_SEGMENTS);
  const urls = readUrls && {
    urls: { kept: prefixUrls(readUrls, UPLOAD_SEGMENTS), cached: prefixUrls(readUrls, LIBRARY_SEGMENTS) },
  };
  if (isShared) {
    const segments = SegmentStore.shared({ kept, cached: all, ...urls }, broadcast);
    return { segments, cached: all, cachedBytes: () => 0 };
  }
  let segments: SegmentStore | undefined;
  const cached = await openSizeLimitedStore(all, {
    limitBytes: config.cacheBytes,
    onEvicted: (key) => segments?.forget([key]),
    onEvictionFailed: (err) => log.error({ err }, 'a finished segment could not be removed'),
  });
  segments = await SegmentStore.open({ kept, cached, ...urls }, broadcast, signal);
  return { segments, cached, cachedBytes: () => cached.totalBytes };
}

/** One child for each core, as far as there is memory for the pictures that each holds. */
export function backgroundConcurrency(): number {
  const memory = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  return Math.max(1, Math.min(availableParallelism(), Math.floor(memory / BACKGROUND_CHILD_BYTES)));
}
