/**
 * The wall time in which the background fills the whole ladder of an upload, against one `ffmpeg` command line
 * that makes the same ladder with the same encoder settings, in turn on the same machine. Prints the ratio of
 * each pair and their median, and ends with status 1 above the limit. The pictures (poster, storyboard) are ours alone.
 *
 *   node bench/ladder.ts <file> [pairs]
 */
import { openAsBlob } from 'node:fs';
import { basename, join } from 'node:path';
import { planSource } from '../src/media/plan.ts';
import { serverFolders, startServer, until } from '../test/e2e/real-server.ts';
import { temporaryFolder } from '../test/storage/temporary-folder.ts';
import { encodeByCommandLine } from './command-line.ts';
import { inspect } from './engine-work.ts';
import { median } from './processor-time.ts';

const READY_MS = 3_600_000;
const LIMIT = 1.1;

type Video = {
  readonly id: string;
  readonly status: string;
  readonly error?: { readonly message: string };
};

const [file, pairs = '3'] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: node bench/ladder.ts <file> [pairs]');

const ratios: number[] = [];
for (let pair = 0; pair < Number(pairs); pair++) {
  const ours = await fillByServer(file);
  const theirs = await encodeIntoFolder(file);
  ratios.push(ours / theirs);
  console.log(
    `sluice ${ours.toFixed(1)} s, ffmpeg ${theirs.toFixed(1)} s, ratio ${ratios.at(-1)!.toFixed(3)}`,
  );
}
console.log(`median ratio ${median(ratios).toFixed(3)}, at most ${LIMIT}`);
process.exitCode = median(ratios) <= LIMIT ? 0 : 1;

/** From the answer to the upload until every segment is stored. */
async function fillByServer(source: string): Promise<number> {
  await using folders = await serverFolders();
  await using server = await startServer(folders, { SLUICE_ENCODE: 'eager', SLUICE_LOG_LEVEL: 'warn' });
  const form = new FormData();
  form.set('file', await openAsBlob(source), basename(source));
  const answer = await fetch(`${server.url}/api/v1/videos`, { method: 'POST', body: form });
  const { id } = (await answer.json()) as Video;
  const start = performance.now();
  await until('the ladder is filled', READY_MS, async () => {
    const now = (await (await fetch(`${server.url}/api/v1/videos/${id}`)).json()) as Video;
    if (now.status === 'failed') throw new Error(now.error?.message);
    return now.status === 'ready' ? now : undefined;
  });
  return (performance.now() - start) / 1000;
}

/** One decode, all rungs, and the sound, into files. */
async function encodeIntoFolder(source: string): Promise<number> {
  await using folder = await temporaryFolder();
  const encodings = [...planSource(await inspect(source)).encodings.values()];
  const start = performance.now();
  await encodeByCommandLine(source, encodings, (trackId) => join(folder.path, `${trackId}.mp4`));
  return (performance.now() - start) / 1000;
}
