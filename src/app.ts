/** The composition root: the only file that names concrete adapters. */
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type LevelWithSilent, pino } from 'pino';
import { Registry } from 'prom-client';
import { openLibrary, openObjects } from './app/places.ts';
import type { Catalog } from './catalog/catalog.ts';
import { openPostgresCatalog } from './catalog/postgres.ts';
import { openSqliteCatalog } from './catalog/sqlite.ts';
import type { Video } from './catalog/video.ts';
import type { Config } from './config.ts';
import { AppError } from './errors.ts';
import { startEngine } from './engine/supervisor.ts';
import { EmbeddedJobQueue } from './jobs/embedded.ts';
import { Background } from './pipeline/background.ts';
import { CaptionExtraction } from './pipeline/caption-extraction.ts';
import { CaptionJobs } from './pipeline/caption-jobs.ts';
import { CaptionStore } from './pipeline/caption-store.ts';
import { captionService } from './pipeline/captions.ts';
import { createVideoEvents } from './pipeline/events.ts';
import { createIngest } from './pipeline/ingest.ts';
import { Library } from './pipeline/library.ts';
import { meteredEngine, meteredIngest, meteredVideos } from './pipeline/metered.ts';
import { OnDemandEncoder } from './pipeline/on-demand.ts';
import { PictureJobs } from './pipeline/picture-jobs.ts';
import { Pictures } from './pipeline/pictures.ts';
import { Plans } from './pipeline/plans.ts';
import { PosterStore } from './pipeline/poster-store.ts';
import { posterService } from './pipeline/posters.ts';
import { playbackService } from './pipeline/playback.ts';
import { SegmentProgress } from './pipeline/segment-progress.ts';
import { SegmentStore } from './pipeline/segment-store.ts';
import type { Services } from './pipeline/services.ts';
import { removeVideo } from './pipeline/remove-video.ts';
import { sourceBytes } from './pipeline/source-bytes.ts';
import { sweep } from './pipeline/sweep.ts';
import { videoService } from './pipeline/video-service.ts';
import { createDiscovery } from './readers/discover.ts';
import { httpFiles } from './remote/http-files.ts';
import { addPipelineGauges, pipelineMetrics } from './server/pipeline-metrics.ts';
import { createServer } from './server/server.ts';
import { parseObjectKey } from './storage/object-key.ts';
import { prefixStore } from './storage/prefix.ts';
import { prefixUrls } from './storage/read-urls.ts';
import { openSizeLimitedStore } from './storage/size-limited.ts';

/** A running Sluice. */
export type App = {
  /** Where it listens, with the port that it got. */
  readonly url: string;
  /** Stops taking requests, lets running ones finish, ends every child process. */
  close(): Promise<void>;
};

const WEB_ROOT = fileURLToPath(new URL('../web/dist', import.meta.url));
/** Below SLUICE_STORE: finished media of library videos, which can be made again at any time. */
const LIBRARY_SEGMENTS = parseObjectKey('library');
/** Below SLUICE_STORE: finished media of uploads, which stays. */
const UPLOAD_SEGMENTS = parseObjectKey('segments');
/** Below SLUICE_STORE: posters that people chose, of uploads and of library videos. */
const POSTERS = parseObjectKey('posters');
/** Below SLUICE_STORE: the texts of captions, of uploads and of library videos. */
const CAPTIONS = parseObjectKey('captions');
const VERSION = '0.1.0';
/** Children that wait for a first request: the picture and the sound of one new viewer. */
const SPARE_CHILDREN = 2;
const IDLE_CHILD_MS = 20_000;
/** What a child needs for a ladder from 2160p down. */
const BACKGROUND_CHILD_BYTES = 1.5 * 1024 ** 3;
/** Connections to PostgreSQL: statements are short, and its server has a hundred for all. */
const DATABASE_POOL_SIZE = 10;
/** How long running requests may go on after a stop: everything has ended within five seconds. */
const GRACE_MS = 3500;

/** Starts the server with encoders in child processes, and with the catalog that the configuration asks for. */
export async function startApp(config: Config): Promise<App> {
  const log = pino({ level: config.logLevel as LevelWithSilent });
  const cores = availableParallelism();
  const closing = new AbortController();
  const registry = new Registry();
  const metrics = pipelineMetrics(registry);

  const objectsPlace = await openObjects(config);
  const objects = objectsPlace.store;
  const engine = meteredEngine(startEngine({ spares: SPARE_CHILDREN, idleMs: IDLE_CHILD_MS }), metrics);
  const catalog = await openCatalog(config, (err) =>
    log.warn({ err }, 'a connection to the database was lost'),
  );
  const { store: library, watch } = openLibrary(config);
  let segments: SegmentStore | undefined;
  const cached = await openSizeLimitedStore(prefixStore(objects, LIBRARY_SEGMENTS), {
    limitBytes: config.cacheBytes,
    onEvicted: (key) => segments?.forget(key),
    onEvictionFailed: (err) => log.error({ err }, 'a finished segment could not be removed'),
  });
  const kept = prefixStore(objects, UPLOAD_SEGMENTS);
  const { readUrls } = objectsPlace;
  const urls = readUrls && {
    kept: prefixUrls(readUrls, UPLOAD_SEGMENTS),
    cached: prefixUrls(readUrls, LIBRARY_SEGMENTS),
  };
  segments = await SegmentStore.open(
    { kept, cached, ...(urls === undefined ? {} : { urls }) },
    closing.signal,
  );

  const videos = meteredVideos(catalog.videos, metrics);
  const plans = new Plans();
  const texts = new CaptionStore(prefixStore(objects, CAPTIONS));
  const posters = new PosterStore(prefixStore(objects, POSTERS));
  const events = createVideoEvents();
  const progress = new SegmentProgress(plans, segments, events);
  const sourceOf = (video: Video) =>
    sourceBytes(video.source.origin === 'library' ? library : objects, video.source);
  const encoder = new OnDemandEncoder({
    engine,
    segments,
    progress,
    sourceOf,
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
        .then((failed) => failed && events.publish({ type: 'status', videoId: failed.id, status: 'failed' }));
    },
  });
  const extraction = new CaptionExtraction({ engine, texts, sourceOf, closing: closing.signal });
  const remote = httpFiles(config.pullPrivate === 'allow' ? { isAllowed: () => true } : {});
  const jobs = new EmbeddedJobQueue({
    onError: (job, err) => log.error({ err, job: job.key }, 'a job could not be given up'),
  });
  const pictures = new Pictures({ engine, segments, posters, plans, sourceOf, library, concurrency: 1 });
  const captionJobs = new CaptionJobs({ videos, jobs, extraction, log });
  const pictureJobs = new PictureJobs({ videos, jobs, pictures, log });
  const background = new Background({
    videos,
    chunks: catalog.chunks,
    jobs,
    engine,
    segments,
    plans,
    progress,
    events,
    sourceOf,
    log,
    mode: config.encode,
    concurrency: backgroundConcurrency(),
    onPlanned: async (video) => {
      await captionJobs.enqueue(video);
      await pictureJobs.enqueue(video);
    },
  });
  const ingest = createIngest({
    videos,
    uploads: catalog.uploads,
    partials: objectsPlace.partials,
    sources: objects,
    remote,
    jobs,
    events,
    log,
    now: clock,
    onArrived: (video) => background.arrived(video),
    minFreeBytes: config.minFreeBytes,
    ...(config.maxUploadBytes === undefined ? {} : { maxBytes: config.maxUploadBytes }),
  });
  const folder = new Library({
    store: library,
    discovery: createDiscovery(library),
    watch,
    videos,
    segments,
    extraction,
    texts,
    posters,
    engine,
    encoder,
    sourceOf,
    events,
    log,
    now: clock,
    concurrency: Math.max(1, cores - 1),
  });
  const captions = captionService({
    videos,
    texts,
    events,
    extract: (video) => extraction.extract(video),
  });
  const services: Services = {
    videos: videoService({
      videos,
      plans,
      progress,
      events,
      removeEverything: (video) =>
        removeVideo({ ingest, jobs, encoder, extraction, segments, texts, posters, sources: objects }, video),
    }),
    captions,
    posters: posterService({ videos, engine, pictures, posters, events }),
    events,
    ingest: meteredIngest(ingest, metrics),
    playback: playbackService({
      videos,
      library,
      segments,
      engine,
      encoder,
      plans,
      progress,
      pictures,
      captions,
    }),
    health: { ready: () => catalog.ping() },
  };
  addPipelineGauges(registry, { jobCounts: () => jobs.counts(), cachedBytes: () => cached.totalBytes });
  const server = await createServer({
    services,
    logger: log,
    registry,
    settings: {
      logLevel: config.logLevel,
      webRoot: WEB_ROOT,
      version: VERSION,
      graceMilliseconds: GRACE_MS,
      ...(config.apiKey === undefined ? {} : { apiKey: config.apiKey }),
      ...(config.publicUrl === undefined ? {} : { publicUrl: config.publicUrl }),
      ...(readUrls === undefined ? {} : { mediaOrigin: readUrls.origin }),
    },
  });
  await sweep({ videos, segments, texts, posters, sources: objects, events, log }, closing.signal);
  await ingest.start();
  await background.start();
  captionJobs.start();
  if (config.encode === 'eager') await pictureJobs.start();
  await folder.start();
  const url = await server.listen({ host: config.host, port: config.port }).catch((error: unknown) => {
    const where = `${config.host}:${config.port}`;
    throw new AppError(
      'config_invalid',
      `cannot listen on ${where} (${(error as NodeJS.ErrnoException).code})`,
    );
  });

  return {
    url,
    close: async () => {
      closing.abort();
      encoder.close();
      await Promise.all([
        server.close(),
        folder.close(),
        ingest.close(),
        jobs.close(0),
        engine[Symbol.asyncDispose](),
      ]);
      await remote[Symbol.asyncDispose]();
      await catalog.close();
      objectsPlace[Symbol.dispose]();
    },
  };
}

function openCatalog(config: Config, onError: (error: unknown) => void): Promise<Catalog> {
  if (config.databaseUrl === undefined)
    return openSqliteCatalog({ file: join(config.dataFolder, 'catalog.sqlite'), now: clock });
  return openPostgresCatalog({ url: config.databaseUrl, now: clock, poolSize: DATABASE_POOL_SIZE, onError });
}

/** One child for each core, as far as there is memory for the pictures that each holds. */
function backgroundConcurrency(): number {
  const memory = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  return Math.max(1, Math.min(availableParallelism(), Math.floor(memory / BACKGROUND_CHILD_BYTES)));
}

function clock(): Date {
  return new Date();
}
