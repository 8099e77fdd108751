/** Holds docs/api.md to what the server does. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { EmbeddedJobQueue } from '../../src/jobs/embedded.ts';
import { addPipelineGauges, pipelineMetrics } from '../../src/server/pipeline-metrics.ts';
import { ERROR_CODES, statusOf } from '../../src/server/problems.ts';
import { SegmentsJson } from '../../src/server/segments-view.ts';
import { startServer } from './support.ts';

const text = await readFile(join(import.meta.dirname, '../../docs/api.md'), 'utf8');

/** First and second cells of the rows of the table under this heading row. */
function rowsBelow(heading: string): readonly (readonly [string, string])[] {
  const [, table = ''] = text.split(heading);
  const rows = table.slice(0, table.indexOf('\n\n')).matchAll(/^\| `(\w+)` \| ([^|]+) \|/gm);
  return Array.from(rows, ([, first = '', second = '']) => [first, second] as const);
}

test('the table of problems has every code with its status, and no other', () => {
  const rows = rowsBelow('| `code` | status | when |');
  const expected = ERROR_CODES.map((code) => [code, String(statusOf(code))]);
  assert.deepEqual([...rows].sort(), expected.sort());
  const statuses = rows.map(([, status]) => Number(status));
  assert.deepEqual(
    statuses,
    statuses.toSorted((a, b) => a - b),
    'in the order of status',
  );
});

test('the table of metrics has every one of ours, and no other', async () => {
  const registry = new Registry();
  pipelineMetrics(registry);
  const jobs = new EmbeddedJobQueue({ onError: () => assert.fail() });
  addPipelineGauges(registry, { jobCounts: () => jobs.counts(), cachedBytes: () => 0 });
  await using server = await startServer({}, { registry });
  const metrics = await (await fetch(`${server.origin}/metrics`)).text();
  const names = Array.from(metrics.matchAll(/^# TYPE (sluice_\w+)/gm), ([, name = '']) => name);
  assert.deepEqual(
    rowsBelow('| metric | what |')
      .map(([name]) => name)
      .sort(),
    names.sort(),
  );
});

test('the example of an encode map is one', () => {
  const [, json = ''] = /```json\n(\{\n {2}"encodedFraction"[\s\S]*?)```/.exec(text) ?? [];
  assert.ok(SegmentsJson.parse(JSON.parse(json)));
});
