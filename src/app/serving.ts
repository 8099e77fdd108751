/** What a server has and a worker has not: the ways in, the library, HTTP, and the keeping of the house. */
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { AppError } from '../errors.ts';
import { captionService } from '../pipeline/captions.ts';
import { holdWhenFree } from '../pipeline/hold-when-free.ts';
import { type Chore, doChores, shareChores } from '../pipeline/housekeeping.ts';
import { Library } from '../pipeline/library.ts';
import { meteredIngest } from '../pipeline/metered.ts';
import { playbackService } from '../pipeline/playback.ts';
import { posterService } from '../pipeline/posters.ts';
import { startRemoving } from '../pipeline/remove-video.ts';
import type { Services } from '../pipeline/services.ts';
import { sweep } from '../pipeline/sweep.ts';
import { trimCache } from '../pipeline/trim-cache.ts';
import { videoService } from '../pipeline/video-service.ts';
import { createDiscovery } from '../readers/discover.ts';
import { httpFiles } from '../remote/http-files.ts';
import { addPipelineGauges } from '../server/pipeline-metrics.ts';
import { createServer } from '../server/server.ts';
import type { Core } from './core.ts';
import type { Deployment } from './deployment.ts';
import { openIngest } from './ingest.ts';
import { listen } from '../server/listen.ts';

const WEB_ROOT = fileURLToPath(new URL('../../web/dist', import.meta.url));
const VERSION = '0.1.0';
/** How long running requests may go on after a stop. */
const GRACE_MS = 3500;
/** Before that, as one of several servers: a load balancer sees within this time that it is to send nobody here. */
const DRAIN_MS = 3000;
/** An upload that has shown life within this time may be in the hands of another server. */
const QUIET_MS = 60_000;
const MINUTE_MS = 60_000;
/** Far longer than from storing a poster to telling the catalog of it, and than clocks differ. */
const SETTLED_MS = 60 * MINUTE_MS;
/** How long another server waits to see whether the one that scans the library is still there. */
const TAKE_OVER_MS = 5000;

/** A server that listens. */
export type Serving = {
  readonly url: string;
  /** Nobody is to be sent here any more; whoever is here goes on. */
  drain(): Promise<void>;
  /** Lets running requests finish. */
  close(): Promise<void>;
};

/** Takes videos in and serves them. `logger` is for requests. */
export async function startServing(
  config: Config,
  deployment: Deployment,
  core: Core,
  logger: Logger,
  signal: AbortSignal,
): Promise<Serving> {
  const { catalog, jobs, leases, isShared } = deployment;
  const { videos, segments, texts, events, objects, library, maker, log } = core;
  const remote = httpFiles(config.pullPrivate === 'allow' ? { isAllowed: () => true } : {});
  const ingest = openIngest(config, deployment, core, remote);
  const captions = captionService({
    videos,
    texts,
    events,
    extract: (video) => core.extraction.extract(video),
  });
  let isDraining = false;
  const services: Services = {
    videos: videoService(core),
    captions,
    posters: posterService(core),
    events,
    ingest: meteredIngest(ingest, core.metrics),
    playback: playbackService({ ...core, encoder: maker, captions }),
    health: {
      ready: async () => {
        if (isDraining) throw new AppError('unavailable', 'the server is stopping');
        await catalog.ping();
      },
    },
  };
  startRemoving({ ...core, ingest, encoder: maker, sources: objects });
  addPipelineGauges(core.registry, { jobCounts: () => jobs.counts(), cachedBytes: core.cachedBytes });
  const server = await createServer({
    services,
    logger,
    registry: core.registry,
    settings: {
      logLevel: config.logLevel,
      webRoot: WEB_ROOT,
      version: VERSION,
      graceMilliseconds: GRACE_MS,
      ...(config.apiKey === undefined ? {} : { apiKey: config.apiKey }),
      ...(config.publicUrl === undefined ? {} : { publicUrl: config.publicUrl }),
      ...(core.place.readUrls === undefined ? {} : { mediaOrigin: core.place.readUrls.origin }),
    },
  });

  const newLibrary = (): Library =>
    new Library({
      ...core,
      store: library,
      discovery: createDiscovery(library),
      encoder: maker,
      now,
      concurrency: Math.max(1, availableParallelism() - 1),
    });
  const sweepAll = (during: AbortSignal): Promise<void> => {
    const settledBefore = new Date(Date.now() - (isShared ? SETTLED_MS : 0));
    return sweep({ ...core, sources: objects, settledBefore }, during);
  };
  const catchUp = async (): Promise<void> => {
    await core.background.catchUp();
    if (config.encode === 'eager') await core.pictureJobs.catchUp();
  };
  const uploads: Chore = {
    name: 'looking after uploads',
    everyMs: MINUTE_MS,
    run: () => ingest.catchUp(QUIET_MS),
  };
  let folder: Library | undefined;
  const work: Promise<void>[] = [];
  if (isShared) {
    const trim = async (during: AbortSignal): Promise<void> =>
      void (await trimCache(core.cached, segments, config.cacheBytes, during));
    const chores: readonly Chore[] = [
      uploads,
      { name: 'filling the job queue', everyMs: MINUTE_MS / 2, run: catchUp },
      { name: 'trimming the cache', everyMs: 5 * MINUTE_MS, run: trim },
      { name: 'sweeping', everyMs: 24 * 60 * MINUTE_MS, run: sweepAll },
    ];
    const follow = async (held: AbortSignal): Promise<void> => {
      const own = newLibrary();
      try {
        await own.start();
        if (!held.aborted) await new Promise((resolve) => held.addEventListener('abort', resolve));
      } finally {
        await own.close();
      }
    };
    const onError = (err: unknown): void => log.warn({ err }, 'who scans the library could not be agreed on');
    work.push(shareChores(chores, leases, log, signal));
    work.push(holdWhenFree(leases, 'library', follow, { signal, retryMs: TAKE_OVER_MS, onError }));
  } else {
    await sweepAll(signal);
    await ingest.catchUp(0);
    await catchUp();
    folder = newLibrary();
    await folder.start();
    work.push(doChores([uploads], log, signal));
  }
  const url = await listen(server, config.host, config.port);

  return {
    url,
    async drain() {
      isDraining = true;
      if (isShared) await sleep(DRAIN_MS);
    },
    async close() {
      await Promise.all([server.close(), folder?.close(), ingest.close(), ...work]);
      await remote[Symbol.asyncDispose]();
    },
  };
}

function now(): Date {
  return new Date();
}
