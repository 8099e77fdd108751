/**
 * How long a viewer of a video that nobody has touched waits for the first bytes, on an idle machine: from the
 * request for the main manifest to the first byte of the first segment of the lowest rung, and from the request
 * for a segment somewhere in the middle of the 480p rung (the highest below, where there is none) to its first
 * byte. For a file, for ten minutes and for two hours of the same material. Each time on a server of its own.
 *
 *   node bench/latency.ts [file] [rounds]
 *   node bench/latency.ts --shared [file] [rounds]
 *
 * With `--shared`, through two servers that take turns and a worker that encodes, with PostgreSQL, and with the source and
 * what is made of it in buckets; without the two hours.
 */
import { existsSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  BIG_BUCK_BUNNY,
  realServer,
  type RealServer,
  SAMPLE,
  serverFolders,
  type ServerFolders,
  startServer,
} from '../test/e2e/real-server.ts';
import { hlsTracks, type ServedTrack } from '../test/e2e/served-tracks.ts';
import { startBacking, startProcesses } from '../test/e2e/several-processes.ts';
import { temporaryFolder } from '../test/storage/temporary-folder.ts';
import { firstByteOf, looped, rungOf } from './on-demand.ts';
import { median } from './processor-time.ts';

const FIRST_LIMIT_SECONDS = 1;
const MIDDLE_LIMIT_SECONDS = 1.5;
const LONG_LIMIT_RATIO = 1.3;
/** Children are started in advance, and inspection has ended: a server that waits for its first viewer. */
const SETTLE_MS = 3000;

const isShared = process.argv[2] === '--shared';
const args = process.argv.slice(isShared ? 3 : 2);
const [file = existsSync(BIG_BUCK_BUNNY) ? BIG_BUCK_BUNNY : SAMPLE, rounds = '5'] = args;
await using scratch = await temporaryFolder();
await using backing = isShared ? await startBacking() : undefined;
const sources = [
  { name: 'as it is', path: file },
  { name: '10 minutes', path: await looped(file, 600, join(scratch.path, '10-minutes.mp4')) },
  ...(isShared
    ? []
    : [{ name: '2 hours', path: await looped(file, 7200, join(scratch.path, '2-hours.mp4')) }]),
];

/** Of the shortest source, which is asked first: what it lasts, and the place that each round asks for. */
let loopSeconds: number | undefined;
const middles: number[] = [];
const viewers: readonly { readonly what: string; readonly limit: number; readonly view: Viewer }[] = [
  { what: 'first segment of the lowest rung', limit: FIRST_LIMIT_SECONDS, view: firstSegment },
  { what: 'a segment in the middle of 480p', limit: MIDDLE_LIMIT_SECONDS, view: middleSegment },
];
let isKept = true;
for (const { what, limit, view } of viewers) {
  const times: number[][] = sources.map(() => []);
  // In turn, so that whatever else the machine does meets all of them.
  for (let round = 0; round < Number(rounds); round++) {
    for (const [index, { path }] of sources.entries()) times[index]!.push(await measure(path, view, round));
  }
  const short = median(times[0]!);
  for (const [index, { name }] of sources.entries()) report(`${name}: ${what}`, times[index]!, limit, short);
}
process.exitCode = isKept ? 0 : 1;

function report(what: string, times: readonly number[], limit: number, short: number): void {
  const seconds = median(times);
  const ratio = seconds / short;
  const holds = seconds <= limit && ratio <= LONG_LIMIT_RATIO;
  isKept &&= holds;
  console.log(
    `${what}: ${times.map((time) => time.toFixed(3)).join(' ')}, median ${seconds.toFixed(3)} s ` +
      `(at most ${limit}), ${ratio.toFixed(2)} times the short one's (at most ${LONG_LIMIT_RATIO}): ` +
      (holds ? 'holds' : 'DOES NOT HOLD'),
  );
}

type Viewer = (manifest: string, round: number) => Promise<number>;

async function measure(path: string, view: Viewer, round: number): Promise<number> {
  await using folders = await serverFolders(backing === undefined ? [path] : []);
  await using server = await startOn(path, folders);
  const video = await server.video(basename(path));
  if (video.playback.hls === undefined) throw new Error(`${path}: ${video.error?.message}`);
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  return await view(video.playback.hls, round);
}

async function startOn(path: string, folders: ServerFolders): Promise<RealServer> {
  const quiet = { SLUICE_LOG_LEVEL: 'warn' };
  if (backing === undefined) return startServer(folders, quiet);
  const environment = await backing.newEnvironment();
  const bucket = `library-${new URL(environment['SLUICE_STORE']!).hostname}`;
  await mkdir(join(backing.bucketsFolder, bucket));
  await copyFile(path, join(backing.bucketsFolder, bucket, basename(path)));
  const library = { SLUICE_LIBRARY: `s3://${bucket}`, SLUICE_LIBRARY_POLL_SECONDS: '1' };
  return realServer(await startProcesses(folders, { ...environment, ...quiet, ...library }));
}

/** Seconds, manifests included, as a player asks for them. */
async function firstSegment(manifest: string): Promise<number> {
  const start = performance.now();
  const main = await textOf(manifest);
  const lowest = main.split('\n').findLast((line) => line.endsWith('.m3u8'));
  const playlist = new URL(lowest!, manifest).href;
  const lines = (await textOf(playlist)).split('\n');
  const init = /URI="([^"]+)"/.exec(lines.find((line) => line.startsWith('#EXT-X-MAP')) ?? '')![1]!;
  const segment = lines.find((line) => line.endsWith('.m4s'))!;
  const [, received] = await Promise.all([
    firstByteOf(new URL(init, playlist).href),
    firstByteOf(new URL(segment, playlist).href),
  ]);
  return (received - start) / 1000;
}

/**
 * Seconds, of this one request. The init segment is another one's business. All sources of a round are asked for
 * the same picture, since what it costs depends on how far back its keyframe lies.
 */
async function middleSegment(manifest: string, round: number): Promise<number> {
  const { segments } = rungOf(await hlsTracks(manifest));
  const starts = startsOf(segments);
  loopSeconds ??= starts.at(-1)! + segments.at(-1)!.seconds;
  middles[round] ??= starts[Math.floor(segments.length * (0.25 + Math.random() / 2))]!;
  const wanted = middles[round];
  // The copy of it that lies nearest to a boundary of ours, in the middle half.
  const offsets = starts.map((start) =>
    Math.abs((((start - wanted) % loopSeconds!) + loopSeconds!) % loopSeconds!),
  );
  const [from, to] = [Math.floor(segments.length / 4), Math.ceil((segments.length * 3) / 4)];
  const nearest = Math.min(...offsets.slice(from, to));
  const index = offsets.findIndex((offset, at) => at >= from && at < to && offset <= nearest + 1e-6);
  const start = performance.now();
  return ((await firstByteOf(segments[index]!.url)) - start) / 1000;
}

function startsOf(segments: ServedTrack['segments']): readonly number[] {
  let end = 0;
  return segments.map(({ seconds }) => (end += seconds) - seconds);
}

async function textOf(url: string): Promise<string> {
  return (await fetch(url)).text();
}
