/**
 * The same video is uploaded, watched and deleted at the same time, over and over. Nothing may be left of it: no
 * object, no row, no process. SLUICE_CHURN_ROUNDS sets the rounds.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { descendantsOf, SAMPLE, serverFolders, startServer, until } from './real-server.ts';
import { countRows, objectsFolder } from './shared-deployment.ts';

const ROUNDS = Number(process.env['SLUICE_CHURN_ROUNDS'] ?? 8);
const SETTLE_MS = 60_000;
/** The engine's spares: they have never seen a source. */
const SPARE_CHILDREN = 2;

test('uploading, watching and deleting at the same time leaves nothing behind', {
  timeout: 1_800_000,
}, async () => {
  const sample = new Blob([await readFile(SAMPLE)]);
  await using folders = await serverFolders();
  await using server = await startServer(folders, { SLUICE_ENCODE: 'eager', SLUICE_LOG_LEVEL: 'warn' });

  for (let round = 0; round < ROUNDS; round++) {
    const form = new FormData();
    form.set('file', sample, 'churn.mp4');
    const created = await fetch(`${server.url}/api/v1/videos`, { method: 'POST', body: form });
    assert.equal(created.status, 201);
    const { id } = (await created.json()) as { id: string };
    const watching = new AbortController();
    const viewers = [0, 1].map(() => watch(server.url, id, watching.signal));
    await new Promise((resolve) => setTimeout(resolve, randomInt(0, 1500)));
    const deleted = await fetch(`${server.url}/api/v1/videos/${id}`, { method: 'DELETE' });
    assert.equal(deleted.status, 204);
    for (const path of ['hls/main.m3u8', 'poster.jpg']) {
      const gone = await fetch(`${server.url}/v/${id}/${path}`);
      assert.ok([404, 410].includes(gone.status), `${path} answers ${gone.status} after the deletion`);
      await gone.body?.cancel();
    }
    watching.abort();
    await Promise.all(viewers);
  }

  assert.deepEqual(await server.videos(), []);
  const objects = await objectsFolder(folders.data);
  await until('every object is gone', SETTLE_MS, () => (objectsIn(objects).length === 0 ? true : undefined));
  await until('every child but the spares has ended', SETTLE_MS, () =>
    server.pids.every((pid) => descendantsOf(pid).length <= SPARE_CHILDREN) ? true : undefined,
  );
  await server.stop('SIGTERM');
  for (const table of ['videos', 'chunks', 'uploads'])
    assert.equal(await countRows(folders.data, table), 0, table);
});

/** Asks for segment after segment, until it is told to go or the video is gone. Never fails: players do not. */
async function watch(server: string, id: string, signal: AbortSignal): Promise<void> {
  try {
    const base = `${server}/v/${id}/`;
    const mpd = await (await fetch(`${base}dash/manifest.mpd`, { signal })).text();
    const [, revision = ''] = /cmaf\/([0-9a-f]+)\//.exec(mpd) ?? [];
    for (let index = 0; !signal.aborted; index = (index + 1) % 6) {
      const track = ['v240p', 'v720p', 'a1'][randomInt(3)];
      const segment = await fetch(`${base}cmaf/${revision}/${track}/${index}.m4s`, { signal });
      await segment.arrayBuffer();
      if (segment.status !== 200) return;
    }
  } catch {
    // Cut off.
  }
}

/** Everything that is stored besides the catalog. */
function objectsIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('catalog.'))
    .map((entry) => join(entry.parentPath, entry.name));
}
