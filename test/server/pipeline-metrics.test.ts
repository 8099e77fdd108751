import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import type { EncodedSegment, MediaEngine } from '../../src/engine/engine.ts';
import { AppError } from '../../src/errors.ts';
import { EmbeddedJobQueue } from '../../src/jobs/embedded.ts';
import { meteredEngine, meteredIngest, meteredVideos } from '../../src/pipeline/metered.ts';
import type { Services } from '../../src/pipeline/services.ts';
import { addPipelineGauges, pipelineMetrics } from '../../src/server/pipeline-metrics.ts';
import { jobOf } from '../contracts/job-queue.contract.ts';
import { startRealCatalog } from './real-catalog.ts';
import { startServer, VIDEO_ID } from './support.ts';

/** What `/metrics` says of a series, as a number. */
function lookAt(origin: string) {
  return async (series: string): Promise<number> => {
    const text = await (await fetch(`${origin}/metrics`)).text();
    const value = new RegExp(`^${RegExp.escape(series)} (\\S+)$`, 'm').exec(text)?.[1];
    assert.ok(value !== undefined, `${series} is not in\n${text}`);
    return Number(value);
  };
}

test('encodes are counted by whom they are for, while they run and when they end, whichever way', async () => {
  const registry = new Registry();
  await using server = await startServer({}, { registry });
  const look = lookAt(server.origin);
  const metrics = pipelineMetrics(registry);
  const gate = Promise.withResolvers<void>();
  const engine = meteredEngine(
    {
      async *encode({ first, end }) {
        for (let index = first; index < end; index++) {
          yield { trackId: 'v480', index, bytes: new Uint8Array(1) } satisfies EncodedSegment;
        }
        await gate.promise;
        throw new AppError('encode_failed', 'it broke');
      },
    } as Partial<MediaEngine> as MediaEngine,
    metrics,
  );
  const run = async (priority: 'viewer' | 'background', stopAfter: number) => {
    const request = { first: 0, end: 3, priority } as Parameters<MediaEngine['encode']>[0];
    for await (const { index } of engine.encode(request, new AbortController().signal)) {
      if (index + 1 === stopAfter) break;
    }
  };

  assert.equal(await look('sluice_segments_encoded_total{cause="viewer"}'), 0, 'there before the first');
  const failing = run('background', Number.POSITIVE_INFINITY);
  const failed = assert.rejects(failing, { code: 'encode_failed' });
  assert.equal(await look('sluice_encodes_running{cause="background"}'), 1);
  assert.equal(await look('sluice_segments_encoded_total{cause="background"}'), 3);
  gate.resolve();
  await failed;
  await run('viewer', 2);
  for (const cause of ['viewer', 'background']) {
    assert.equal(await look(`sluice_encodes_running{cause="${cause}"}`), 0, cause);
    assert.ok((await look(`sluice_encode_seconds_total{cause="${cause}"}`)) > 0, cause);
  }
  assert.equal(await look('sluice_segments_encoded_total{cause="viewer"}'), 2);
});

test('videos are counted as they fail, by code, and only when they do', async () => {
  const registry = new Registry();
  await using server = await startServer({}, { registry });
  await using catalog = await startRealCatalog();
  const videos = meteredVideos(catalog.videos, pipelineMetrics(registry));
  const error = { code: 'source_damaged', message: 'it breaks off' } as const;
  await videos.update(VIDEO_ID, { status: 'failed', error }, { revision: 'another' });
  await videos.update(VIDEO_ID, { title: 'x' });
  await videos.update(VIDEO_ID, { status: 'failed', error }, { status: ['playable'] });
  await videos.update(VIDEO_ID, { status: 'inspecting', error: null });
  assert.equal((await videos.get(VIDEO_ID))?.status, 'inspecting');
  assert.equal(await lookAt(server.origin)('sluice_videos_failed_total{code="source_damaged"}'), 1);
});

test('what brings in bytes is counted while it does', async () => {
  const registry = new Registry();
  await using server = await startServer({}, { registry });
  const look = lookAt(server.origin);
  const gate = Promise.withResolvers<never>();
  const ingest = meteredIngest(
    { append: () => gate.promise, addFile: () => gate.promise } as Partial<
      Services['ingest']
    > as Services['ingest'],
    pipelineMetrics(registry),
  );
  const { signal } = new AbortController();
  const body = new ReadableStream<Uint8Array>();
  const appended = assert.rejects(ingest.append('' as Parameters<typeof ingest.append>[0], 0, body, signal));
  const added = assert.rejects(ingest.addFile({ filename: 'a' }, body, signal));
  assert.equal(await look('sluice_uploads_running'), 2);
  gate.reject(new AppError('aborted', 'the client went away'));
  await Promise.all([appended, added]);
  assert.equal(await look('sluice_uploads_running'), 0);
});

test('jobs and the cache are asked at each look', async () => {
  const registry = new Registry();
  const jobs = new EmbeddedJobQueue({ onError: () => assert.fail() });
  let cachedBytes = 5;
  addPipelineGauges(registry, { jobCounts: () => jobs.counts(), cachedBytes: () => cachedBytes });
  await using server = await startServer({}, { registry });
  const look = lookAt(server.origin);
  await jobs.enqueue(jobOf('a', { kind: 'pull' }));
  assert.equal(await look('sluice_jobs{kind="pull",state="waiting"}'), 1);
  assert.equal(await look('sluice_jobs{kind="pull",state="running"}'), 0);
  assert.equal(await look('sluice_cache_bytes'), 5);
  cachedBytes = 7;
  await jobs.close(0);
  assert.equal(await look('sluice_jobs{kind="pull",state="waiting"}'), 0);
  assert.equal(await look('sluice_cache_bytes'), 7);
});
