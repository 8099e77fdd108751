/** A server on loopback whose videos are in a real catalog, with everything that the API asks; nothing is encoded. */
import { openDeployment } from '../../src/app/deployment.ts';
import { openObjects } from '../../src/app/places.ts';
import type { Video } from '../../src/catalog/video.ts';
import type { VideoRepository } from '../../src/catalog/video-repository.ts';
import { readConfig } from '../../src/config.ts';
import { AppError } from '../../src/errors.ts';
import { CaptionStore } from '../../src/pipeline/caption-store.ts';
import { changesOf } from '../../src/pipeline/change.ts';
import { captionService } from '../../src/pipeline/captions.ts';
import { createVideoEvents, type VideoEvents } from '../../src/pipeline/events.ts';
import { PosterStore } from '../../src/pipeline/poster-store.ts';
import { type RemovalOptions, startRemoving } from '../../src/pipeline/remove-video.ts';
import { Plans } from '../../src/pipeline/plans.ts';
import { type PlaybackOptions, playbackService } from '../../src/pipeline/playback.ts';
import { SegmentProgress } from '../../src/pipeline/segment-progress.ts';
import { SegmentStore } from '../../src/pipeline/segment-store.ts';
import { videoService } from '../../src/pipeline/video-service.ts';
import type { ServerSettings } from '../../src/server/server.ts';
import { parseObjectKey } from '../../src/storage/object-key.ts';
import { prefixStore } from '../../src/storage/prefix.ts';
import { deploymentOf } from '../e2e/shared-deployment.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';
import { sourceInfo } from './sintel.ts';
import { SETTINGS, type TestServer, startServer, VIDEO_ID, videoOf } from './support.ts';

export type RealCatalogServer = TestServer & {
  readonly videos: VideoRepository;
  readonly events: VideoEvents;
  readonly segments: SegmentStore;
  readonly texts: CaptionStore;
  readonly progress: SegmentProgress;
  /** Resolves when nothing is left to be done, such as removing what belonged to a deleted video. */
  onIdle(): Promise<void>;
  /** `{origin}/api/v1/videos/{VIDEO_ID}` */
  readonly videoUrl: string;
  /** Stores a segment of the video, as encoding it does. */
  encode(trackId: string, index: number): Promise<void>;
};

/** With one video in it: {@link uploadedVideo}. */
export async function startRealCatalog(settings: Partial<ServerSettings> = {}): Promise<RealCatalogServer> {
  const folder = await temporaryFolder();
  const config = readConfig({ SLUICE_DATA: folder.path, ...(await deploymentOf(folder.path)) });
  const place = await openObjects(config);
  const objects = place.store;
  const deployment = await openDeployment(config, { info() {}, warn() {}, error() {} });
  const { catalog, jobs, broadcast, isShared } = deployment;
  const kept = prefixStore(objects, parseObjectKey('kept'));
  const cached = prefixStore(objects, parseObjectKey('cached'));
  const { signal } = new AbortController();
  const segments = isShared
    ? SegmentStore.shared({ kept, cached }, broadcast)
    : await SegmentStore.open({ kept, cached }, broadcast, signal);
  const [plans, events] = [new Plans(), createVideoEvents(broadcast)];
  const progress = new SegmentProgress(plans, segments, events, broadcast);
  const texts = new CaptionStore(prefixStore(objects, parseObjectKey('captions')));
  const change = changesOf(catalog, jobs);
  startRemoving({
    ...NOTHING_TO_STOP,
    jobs,
    segments,
    texts,
    posters: new PosterStore(prefixStore(objects, parseObjectKey('posters'))),
    sources: objects,
  });
  const captions = captionService({ videos: catalog.videos, texts, events, extract: noText });
  const videos = videoService({
    videos: catalog.videos,
    plans,
    progress,
    events,
    change,
    segments,
  });
  const video = uploadedVideo();
  await catalog.videos.insert(video);
  segments.keep(video.id);
  const playback = playbackService({
    videos: catalog.videos,
    events,
    library: objects,
    segments,
    plans,
    progress,
    captions,
    ...NOTHING_IS_ENCODED,
  });
  const server = await startServer(
    { videos, events, captions, playback },
    { settings: { ...SETTINGS, ...settings } },
  );
  return {
    ...server,
    videos: catalog.videos,
    events,
    segments,
    texts,
    progress,
    onIdle: () => jobs.onIdle(),
    videoUrl: `${server.origin}/api/v1/videos/${VIDEO_ID}`,
    async encode(trackId, index) {
      const end = progress.begin(video, trackId, index);
      const track = { videoId: video.id, revision: video.revision, trackId };
      await segments.putSegment(track, index, new Uint8Array(10), signal);
      end();
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await jobs.close(0);
      await deployment.close();
      place[Symbol.dispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Nothing is ever under way. */
const NOTHING_TO_STOP: Pick<RemovalOptions, 'ingest' | 'encoder' | 'extraction' | 'log'> = {
  ingest: { endUploadOf: async () => {} },
  encoder: { stop: async () => {} } as unknown as RemovalOptions['encoder'],
  extraction: { stop: async () => {} },
  log: { info() {}, warn() {}, error() {} },
};

async function noText(): Promise<never> {
  throw new AppError('not_found', 'there is no text inside');
}

/** Manifests are made without these. */
const NOTHING_IS_ENCODED = {} as Pick<PlaybackOptions, 'engine' | 'encoder' | 'pictures'>;

/** Two sounds and a picture of eight seconds, none of it encoded. */
function uploadedVideo(): Video {
  const { source, ...video } = videoOf({ status: 'playable' });
  return {
    ...video,
    source: { ...source, origin: 'upload' },
    content: { kind: 'media', source: sourceInfo },
  };
}

/** A call with a body of JSON, and the JSON that it is answered with; undefined where there is none. */
export async function callJson(
  url: string,
  method: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
) {
  const response = await fetch(url, {
    method,
    headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    json: text === '' ? undefined : JSON.parse(text),
  };
}
