/** The parts of the pipeline in which things happen, told to whoever counts. Everything else stays as it is. */
import type { VideoRepository } from '../catalog/video-repository.ts';
import type { MediaEngine } from '../engine/engine.ts';
import type { Change } from './change.ts';
import type { PipelineMetrics } from './metrics.ts';
import type { IngestService } from './services.ts';

/** An engine whose encoding is counted. */
export function meteredEngine(engine: MediaEngine, metrics: PipelineMetrics): MediaEngine {
  return {
    ...engine,
    async *encode(request, signal) {
      const end = metrics.encodeStarted(request.priority);
      try {
        for await (const segment of engine.encode(request, signal)) {
          metrics.segmentEncoded(request.priority);
          yield segment;
        }
      } finally {
        end();
      }
    },
  };
}

/** A catalog whose videos are counted as they fail. */
export function meteredVideos(videos: VideoRepository, metrics: PipelineMetrics): VideoRepository {
  return {
    ...videos,
    async update(id, change, condition) {
      const changed = await videos.update(id, change, condition);
      if (changed !== undefined && change.error) metrics.videoFailed(change.error.code);
      return changed;
    },
  };
}

/** Changes whose videos are counted as they fail. */
export function meteredChange(change: Change, metrics: PipelineMetrics): Change {
  return (work) =>
    change((changing) => work({ ...changing, videos: meteredVideos(changing.videos, metrics) }));
}

/** Ways in whose requests are counted. Fetching from addresses is a job, and counted with those. */
export function meteredIngest(ingest: IngestService, metrics: PipelineMetrics): IngestService {
  const metered = async <T>(work: () => Promise<T>): Promise<T> => {
    const end = metrics.uploadStarted();
    try {
      return await work();
    } finally {
      end();
    }
  };
  return {
    ...ingest,
    append: (...request) => metered(() => ingest.append(...request)),
    addFile: (...request) => metered(() => ingest.addFile(...request)),
  };
}
