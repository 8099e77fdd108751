/**
 * A library in a bucket that is some way off: how many requests, one after the other, inspection and the first byte of a
 * segment cost, and how long they take, for ten minutes of one material as MP4 with its index at the end and as Matroska.
 * Nothing of it is encoded before; each measurement is made on a server of its own, with its children already started.
 *
 *   node bench/far-library.ts [file] [delay in ms] [rounds]
 */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  type ApiVideo,
  BIG_BUCK_BUNNY,
  type RealServer,
  SAMPLE,
  serverFolders,
  startServer,
} from '../test/e2e/real-server.ts';
import { hlsTracks } from '../test/e2e/served-tracks.ts';
import { type SeenRequest, startFaultyProxy } from '../test/storage/faulty-proxy.ts';
import { startS3Server } from '../test/storage/s3-server.ts';
import { firstByteOf, looped, rungOf } from './on-demand.ts';
import { median } from './processor-time.ts';

const LIMIT_SECONDS = 1.5;
const SECONDS = 600;
const SETTLE_MS = 3000;

const [file = existsSync(BIG_BUCK_BUNNY) ? BIG_BUCK_BUNNY : SAMPLE, delay = '30', rounds = '3'] =
  process.argv.slice(2);
await using s3 = await startS3Server();
await using proxy = await startFaultyProxy(s3.endpoint);
const { credentials } = await s3.bucket('library');
proxy.delayMs = Number(delay);
const paths = [];
for (const ending of ['mp4', 'mkv'])
  paths.push(await looped(file, SECONDS, join(s3.folder, 'library', `film.${ending}`)));

let isKept = true;
for (const path of paths) {
  const name = basename(path);
  const inspections: number[] = [];
  const places = new Map<string, number[]>([
    ['first segment', []],
    ['a segment in the middle', []],
  ]);
  for (let round = 0; round < Number(rounds); round++) {
    await using folders = await serverFolders();
    const from = proxy.seen.length;
    for (const [place, times] of places) {
      await using server = await start(folders.data);
      const video = await server.video(name);
      if (inspections.length === round)
        inspections.push(tell(`${name}: inspection`, proxy.seen.slice(from), name));
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      times.push(await firstByte(video, place === 'first segment' ? 0 : 0.5, name));
    }
  }
  report(`${name}: inspection, first to last request`, inspections, Number.POSITIVE_INFINITY);
  for (const [place, times] of places) report(`${name}: ${place} at 480p, first byte`, times, LIMIT_SECONDS);
}
process.exitCode = isKept ? 0 : 1;

function start(data: string): Promise<RealServer> {
  return startServer(
    { library: '', data },
    {
      SLUICE_LOG_LEVEL: 'warn',
      SLUICE_LIBRARY: 's3://library',
      SLUICE_LIBRARY_POLL_SECONDS: '1',
      AWS_ENDPOINT_URL_S3: proxy.endpoint,
      AWS_ACCESS_KEY_ID: credentials!.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials!.secretAccessKey,
    },
  );
}

/** Seconds until then, of a viewer who has the manifests. */
async function firstByte(video: ApiVideo, part: number, name: string): Promise<number> {
  const { segments } = rungOf(await hlsTracks(video.playback.hls!));
  const from = proxy.seen.length;
  const begun = performance.now();
  const at = await firstByteOf(segments[Math.floor(segments.length * part)]!.url);
  tell(`${name}: segment ${Math.floor(segments.length * part)}`, proxy.seen.slice(from), name);
  return (at - begun) / 1000;
}

/** Prints what was asked of the source, and when. Seconds from the first to the last. */
function tell(what: string, seen: readonly SeenRequest[], name: string): number {
  const asked = seen.filter(({ path }) => path.endsWith(name));
  const first = asked[0]?.at ?? 0;
  const list = asked.map(({ range = '', at }) => {
    const [from, to] = (/(\d+)-(\d+)/.exec(range) ?? []).slice(1).map(Number);
    if (from === undefined || to === undefined) return `${Math.round(at - first)} ms`;
    return `${Math.round(at - first)} ms ${Math.ceil((to - from) / 1024)} KiB at ${(from / 2 ** 20).toFixed(1)} MiB`;
  });
  console.log(`  ${what}: ${asked.length} requests: ${list.join(', ')}`);
  return ((asked.at(-1)?.at ?? 0) - first) / 1000;
}

function report(what: string, times: readonly number[], limit: number): void {
  const seconds = median(times);
  isKept &&= seconds <= limit;
  const verdict = limit === Number.POSITIVE_INFINITY ? '' : seconds <= limit ? ': holds' : ': DOES NOT HOLD';
  console.log(
    `${what}: ${times.map((time) => time.toFixed(3)).join(' ')}, median ${seconds.toFixed(3)} s${verdict}`,
  );
}
