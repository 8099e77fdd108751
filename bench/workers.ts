/**
 * The wall time in which workers fill the whole ladder of an upload: one of them, and then two, each held to a core of
 * its own. Prints the ratio of each pair and their median; two that lose nothing to each other take 0.5. Ends with
 * status 1 above 0.55.
 *
 * Server and database have to be somewhere: on a machine with two cores they take from one of the two workers what they
 * take from nobody where there is one. So it also says how long workers had a chunk at hand, the processor time that they
 * used, and the processor time of everything else.
 *
 *   node bench/workers.ts [pairs] [seconds of the source]
 */
import { openAsBlob, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { startPostgres } from '../test/fixtures/postgres.ts';
import { makeSource } from '../test/fixtures/source.ts';
import { descendantsOf, type RealServer, serverFolders, startServer } from '../test/e2e/real-server.ts';
import { temporaryFolder } from '../test/storage/temporary-folder.ts';
import { processorSeconds } from './processor-time.ts';

const READY_MS = 600_000;
const ASK_MS = 1000;
const MAX_RATIO = 0.55;

/** Twelve chunks of picture. */
const [pairs = '1', sourceSeconds = '384'] = process.argv.slice(2);
await using folder = await temporaryFolder();
const source = join(folder.path, 'source.mp4');
await makeSource(source, [
  { kind: 'video', seconds: Number(sourceSeconds), width: 480, height: 270, loopSeconds: 4 },
  { kind: 'audio', seconds: Number(sourceSeconds) },
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
  await using opened = new AsyncDisposableStack();
  const workers: RealServer[] = [];
  for (const core of cores) {
    const under = ['taskset', '-c', core];
    workers.push(opened.use(await startServer(folders, settings, { command: ['worker'], under })));
  }
  const form = new FormData();
  form.set('file', await openAsBlob(source), 'source.mp4');
  const answer = await fetch(`${server.url}/api/v1/videos`, { method: 'POST', body: form });
  const { id } = (await answer.json()) as { id: string };
  const before = times(workers);
  // Seldom: asking takes time from a worker as well.
  for (const end = Date.now() + READY_MS; ; await sleep(ASK_MS)) {
    const video = (await (await fetch(`${server.url}/api/v1/videos/${id}`)).json()) as { status: string };
    if (video.status === 'ready') break;
    if (video.status === 'failed' || Date.now() > end) throw new Error(JSON.stringify(video));
  }
  const after = times(workers);
  const { seconds, busySeconds } = await chunkTimes(settings.DATABASE_URL);
  const working = after.workers - before.workers;
  console.log(
    `  ${seconds.toFixed(1)} s, busy ${(busySeconds / seconds / cores.length).toFixed(3)} of it; ` +
      `processor: workers ${working.toFixed(1)} s, everything else ${(after.all - before.all - working).toFixed(1)} s`,
  );
  return seconds;
}

/** Seconds of processor time since something began: of the whole machine, and of what was done for workers. */
function times(workers: readonly RealServer[]): { readonly all: number; readonly workers: number } {
  const [, user, nice, system] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)[0]!
    .split(/\s+/)
    .map(Number);
  const pids = workers.flatMap(({ pid }) => [pid, ...descendantsOf(pid)]);
  return {
    all: (user! + nice! + system!) / 100,
    workers: pids.reduce((sum, pid) => sum + processorSeconds(pid), 0),
  };
}

/** From when the chunks were known until the last one was done, and for how long workers had one. */
async function chunkTimes(connectionString: string): Promise<{ seconds: number; busySeconds: number }> {
  const client = new Client({ connectionString });
  await client.connect();
  const { rows } = await client.query<{ seconds: number; busySeconds: number }>(
    `select extract(epoch from max(completed_on) - min(created_on))::float as seconds,
       extract(epoch from sum(completed_on - started_on))::float as "busySeconds"
     from sluice_jobs.job where name = 'encode-chunk'`,
  );
  await client.end();
  return rows[0]!;
}
