/**
 * What a viewer waits for a whole 480p segment (the highest below, where there is none) of a library video that nobody
 * has touched, while the background encodes an upload on every core. Prints each wait, and ends with status 1 where one
 * is above the limit.
 *
 *   node bench/busy.ts [file] [rounds]
 */
import { existsSync, openAsBlob } from 'node:fs';
import { basename, join } from 'node:path';
import { BIG_BUCK_BUNNY, SAMPLE, serverFolders, startServer, until } from '../test/e2e/real-server.ts';
import { hlsTracks } from '../test/e2e/served-tracks.ts';
import { temporaryFolder } from '../test/storage/temporary-folder.ts';
import { looped, rungOf } from './on-demand.ts';

const LIMIT_SECONDS = 2.5;
/** Long enough that the background has both cores busy by then, and between two segments goes on with its work. */
const SETTLE_MS = 5000;
const PATIENCE_MS = 60_000;

const [file = existsSync(BIG_BUCK_BUNNY) ? BIG_BUCK_BUNNY : SAMPLE, rounds = '5'] = process.argv.slice(2);
await using scratch = await temporaryFolder();
const upload = await looped(file, 3600, join(scratch.path, 'upload.mp4'));
const waits: number[] = [];
for (let round = 0; round < Number(rounds); round++) waits.push(await measure(round));
console.log(`${waits.map((wait) => wait.toFixed(2)).join(' ')} s, at most ${LIMIT_SECONDS}`);
process.exitCode = Math.max(...waits) <= LIMIT_SECONDS ? 0 : 1;

/** Seconds, on a server of its own. */
async function measure(round: number): Promise<number> {
  await using folders = await serverFolders([file]);
  await using server = await startServer(folders, { SLUICE_ENCODE: 'eager', SLUICE_LOG_LEVEL: 'warn' });
  const watched = await server.video(basename(file));
  const { segments } = rungOf(await hlsTracks(watched.playback.hls!));
  const form = new FormData();
  form.set('file', await openAsBlob(upload), basename(upload));
  const { id } = (await (
    await fetch(`${server.url}/api/v1/videos`, { method: 'POST', body: form })
  ).json()) as { id: string };
  await until('the background encodes', PATIENCE_MS, async () => {
    const video = await (await fetch(`${server.url}/api/v1/videos/${id}`)).json();
    return (video as { encodedFraction?: number }).encodedFraction || undefined;
  });
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const start = performance.now();
  const answer = await fetch(segments[(round + 1) % segments.length]!.url);
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`the segment answers ${answer.status}`);
  return (performance.now() - start) / 1000;
}
