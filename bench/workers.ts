/**
 * The wall time in which workers fill the whole ladder of an upload: one of them, and then two, each held to a core of
 * its own. Prints the ratio of each pair and their median; two that lose nothing to each other take 0.5. Ends with
 * status 1 above 0.55.
 *
 *   node bench/workers.ts [pairs]
 */
import { openAsBlob } from 'node:fs';
import { join } from 'node:path';
import { startPostgres } from '../test/fixtures/postgres.ts';
import { makeSource } from '../test/fixtures/source.ts';
import { serverFolders, startServer, until } from '../test/e2e/real-server.ts';
import { temporaryFolder } from '../test/storage/temporary-folder.ts';

/** Twelve chunks of picture. */
const SECONDS = 384;
const READY_MS = 600_000;
const MAX_RATIO = 0.55;

const [pairs = '1'] = process.argv.slice(2);
await using folder = await temporaryFolder();
const source = join(folder.path, 'source.mp4');
await makeSource(source, [
  { kind: 'video', seconds: SECONDS, width: 480, height: 270, loopSeconds: 4 },
  { kind: 'audio', seconds: SECONDS },
]);
const ratios: number[] = [];
for (let pair = 0; pair < Number(pairs); pair++) {
  const [one, two] = [await fill(['0']), await fill(['0', '1'])];
  ratios.push(two / one);
  console.log(`one worker ${one.toFixed(1)} s, two ${two.toFixed(1)} s, ratio ${ratios.at(-1)!.toFixed(3)}`);
}
const median = ratios.toSorted((a, b) => a - b)[ratios.length >> 1]!;
console.log(`median ratio ${median.toFixed(3)}`);
if (median > MAX_RATIO) process.exitCode = 1;

/** From the moment it can be played until every segment is stored. */
async function fill(cores: readonly string[]): Promise<number> {
  await using database = await startPostgres();
  await using folders = await serverFolders();
  const settings = {
    DATABASE_URL: await database.createDatabase(),
    SLUICE_ENCODE: 'eager',
    SLUICE_LOG_LEVEL: 'warn',
  };
  await using server = await startServer(folders, settings, { command: ['serve', '--no-encode'] });
  await using workers = new AsyncDisposableStack();
  for (const core of cores) {
    const under = ['taskset', '-c', core];
    workers.use(await startServer(folders, settings, { command: ['worker'], under }));
  }
  const form = new FormData();
  form.set('file', await openAsBlob(source), 'source.mp4');
  const answer = await fetch(`${server.url}/api/v1/videos`, { method: 'POST', body: form });
  const { id } = (await answer.json()) as { id: string };
  const reached = (status: string): Promise<number> =>
    until(`it is ${status}`, READY_MS, async () => {
      const video = (await (await fetch(`${server.url}/api/v1/videos/${id}`)).json()) as { status: string };
      if (video.status === 'failed') throw new Error(JSON.stringify(video));
      return [status, 'ready'].includes(video.status) ? performance.now() : undefined;
    });
  const start = await reached('playable');
  return ((await reached('ready')) - start) / 1000;
}
