/** What commands beside `serve` do: with all parts, of which none is at work. Safe beside running servers. */
import { pino } from 'pino';
import type { Config } from '../config.ts';
import { captionService } from '../pipeline/captions.ts';
import { type ExportRequest, type ExportResult, exportVideo } from '../pipeline/export-video.ts';
import { playbackService } from '../pipeline/playback.ts';
import type { IngestService } from '../pipeline/services.ts';
import { videoService } from '../pipeline/video-service.ts';
import { httpFiles } from '../remote/http-files.ts';
import { backgroundConcurrency, openCore } from './core.ts';
import { openDeployment } from './deployment.ts';
import { openIngest } from './ingest.ts';

/** What was opened. */
export type Commands = AsyncDisposable & {
  exportVideo(request: ExportRequest): Promise<ExportResult>;
  readonly addFile: IngestService['addFile'];
};

/** Opens catalog, stores and engine as the configuration says. */
export async function openCommands(config: Config): Promise<Commands> {
  const log = pino({ level: 'error' }, process.stderr);
  const closing = new AbortController();
  const deployment = await openDeployment(config, log);
  const core = await openCore(config, deployment, log, closing.signal);
  const remote = httpFiles({});
  const ingest = openIngest(config, deployment, core, remote);
  const { videos, texts, events } = core;
  const captions = captionService({
    videos,
    texts,
    events,
    extract: (video) => core.extraction.extract(video),
  });
  const services = {
    videos: videoService(core),
    playback: playbackService({ ...core, encoder: core.maker, captions }),
  };
  return {
    exportVideo: (request) =>
      exportVideo({ ...core, ...services, concurrency: backgroundConcurrency() }, request),
    addFile: ingest.addFile,
    async [Symbol.asyncDispose]() {
      closing.abort();
      await Promise.all([ingest.close(), deployment.jobs.close(0), core.close()]);
      await remote[Symbol.asyncDispose]();
      await deployment.close();
    },
  };
}
