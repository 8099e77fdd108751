/**
 * From the answer to the last byte of an upload until the first segment of the lowest rung has been received.
 *
 *   node bench/upload-to-play.ts <file> [rounds]
 */
import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import { serverFolders, startServer } from '../test/e2e/real-server.ts';

const SETTLE_MS = 3000;
const POLL_MS = 10;

const [file, rounds = '3'] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: node bench/upload-to-play.ts <file> [rounds]');

const times: number[] = [];
for (let round = 0; round < Number(rounds); round++) times.push(await measure(file));
console.log(`${basename(file)}: ${times.map((time) => time.toFixed(3)).join(', ')} s`);
console.log(`median ${times.toSorted((a, b) => a - b)[times.length >> 1]!.toFixed(3)} s`);

/** Seconds, on a server of its own that has just started. */
async function measure(source: string): Promise<number> {
  await using folders = await serverFolders();
  await using server = await startServer(folders, { SLUICE_ENCODE: 'eager', SLUICE_LOG_LEVEL: 'warn' });
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const form = new FormData();
  form.set('file', await openAsBlob(source), basename(source));
  const answer = await fetch(`${server.url}/api/v1/videos`, { method: 'POST', body: form });
  const start = performance.now();
  const { id } = (await answer.json()) as { id: string };
  const main = `${server.url}/v/${id}/hls/main.m3u8`;
  const lowest = lines(await untilThere(main)).at(-1)!;
  const playlist = await text(new URL(lowest, main));
  const init = /#EXT-X-MAP:URI="([^"]+)"/.exec(playlist)![1]!;
  await text(new URL(init, new URL(lowest, main)));
  await text(new URL(lines(playlist)[0]!, new URL(lowest, main)));
  return (performance.now() - start) / 1000;
}

/** Asks until the video has been inspected. */
async function untilThere(url: string): Promise<string> {
  for (;;) {
    const answer = await fetch(url);
    if (answer.ok) return answer.text();
    await answer.body?.cancel();
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function text(url: URL): Promise<string> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url.pathname} answers ${answer.status}`);
  return answer.text();
}

/** The addresses in a playlist. */
function lines(playlist: string): readonly string[] {
  return playlist.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}
