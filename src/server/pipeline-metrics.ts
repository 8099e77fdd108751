/** What the pipeline tells and is asked, for Prometheus. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { PipelineGauges, PipelineMetrics } from '../pipeline/metrics.ts';

/** Counts in `registry` what the pipeline tells. */
export function pipelineMetrics(registry: Registry): PipelineMetrics {
  const registers = [registry];
  const running = new Gauge({
    name: 'sluice_encodes_running',
    help: 'Encoder runs under way, by whom they are for.',
    labelNames: ['cause'],
    registers,
  });
  const seconds = new Counter({
    name: 'sluice_encode_seconds_total',
    help: 'Time that encoder runs took, counted when they end.',
    labelNames: ['cause'],
    registers,
  });
  const segments = new Counter({
    name: 'sluice_segments_encoded_total',
    help: 'Segments that came out of encoders, one for each track.',
    labelNames: ['cause'],
    registers,
  });
  const uploads = new Gauge({
    name: 'sluice_uploads_running',
    help: 'Requests that bring in bytes just now.',
    registers,
  });
  const failures = new Counter({
    name: 'sluice_videos_failed_total',
    help: 'Videos that failed for good, by error code.',
    labelNames: ['code'],
    registers,
  });
  // A rate over a series that is not there yet shows nothing.
  for (const cause of ['viewer', 'background']) {
    for (const series of [running, seconds, segments]) series.inc({ cause }, 0);
  }

  return {
    encodeStarted(cause) {
      const startedAt = performance.now();
      running.inc({ cause });
      return once(() => {
        running.dec({ cause });
        seconds.inc({ cause }, (performance.now() - startedAt) / 1000);
      });
    },
    segmentEncoded: (cause) => segments.inc({ cause }),
    uploadStarted() {
      uploads.inc();
      return once(() => uploads.dec());
    },
    videoFailed: (code) => failures.inc({ code }),
  };
}

/** Adds to `registry` what the pipeline is asked at each look. A look fails where the pipeline does not answer. */
export function addPipelineGauges(registry: Registry, gauges: PipelineGauges): void {
  const jobs = new Gauge({
    name: 'sluice_jobs',
    help: 'Background jobs, by kind and state (waiting, running).',
    labelNames: ['kind', 'state'],
    registers: [],
    async collect() {
      for (const [kind, count] of Object.entries(await gauges.jobCounts())) {
        for (const [state, number] of Object.entries(count)) this.set({ kind, state }, number);
      }
    },
  });
  const cache = new Gauge({
    name: 'sluice_cache_bytes',
    help: 'Encoded segments of library videos: they make room for each other.',
    registers: [],
    collect() {
      this.set(gauges.cachedBytes());
    },
  });
  registry.registerMetric(jobs);
  registry.registerMetric(cache);
}

/** Whoever ends twice by mistake is counted once. */
function once(end: () => void): () => void {
  let hasEnded = false;
  return () => {
    if (hasEnded) return;
    hasEnded = true;
    end();
  };
}
