/**
 * What a viewer costs a server, and what a video costs in requests to a bucket. Prints a table; the sources of
 * docs/scaling.md. Takes about a minute. Processor time is counted, not time on the clock, so a busy machine hardly
 * matters.
 *
 *   node bench/viewers.ts [file]
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { startFaultyProxy } from '../test/storage/faulty-proxy.ts';
import { startS3Server } from '../test/storage/s3-server.ts';
import { hlsTracks } from '../test/e2e/served-tracks.ts';
import {
  type ApiVideo,
  descendantsOf,
  type RealServer,
  SAMPLE,
  serverFolders,
  startServer,
  until,
} from '../test/e2e/real-server.ts';

const FILE = process.argv[2] ?? SAMPLE;
const REQUESTS = 3000;
const CONNECTIONS = 32;
const READY_MS = 600_000;

await using s3 = await startS3Server();
const { credentials } = await s3.bucket('store');
await using proxy = await startFaultyProxy(s3.endpoint);
const bucket = {
  SLUICE_STORE: 's3://store',
  AWS_ENDPOINT_URL_S3: proxy.endpoint,
  AWS_ACCESS_KEY_ID: credentials!.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials!.secretAccessKey,
};
await using folders = await serverFolders();

await measure('folder', {}, 'folder');
await measure('bucket', bucket, 'bucket', async () => {
  const counts = new Map<string, number>();
  for (const { method, path, query } of proxy.seen) {
    const kind = path.includes('/segments/') ? 'segments' : path.includes('/sources/') ? 'source' : 'rest';
    const name = `${method}${query.has('partNumber') ? ' part' : ''} ${kind}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  console.log('  requests to the bucket for the upload and its encoding:', Object.fromEntries(counts));
});
await measure('redirect', { ...bucket, SLUICE_MEDIA_REDIRECT: 'presigned' }, 'bucket');

async function measure(
  name: string,
  environment: Readonly<Record<string, string>>,
  catalog: string,
  afterEncoding: () => Promise<void> = async () => {},
): Promise<void> {
  await using server = await startServer(
    { library: folders.library, data: join(folders.data, catalog) },
    { ...environment, SLUICE_ENCODE: 'eager' },
  );
  const video = await encoded(server);
  await afterEncoding();
  const tracks = await hlsTracks(video.playback.hls!);
  const track = tracks.find(({ id }) => id === 'v480p') ?? tracks[0]!;
  const urls = track.segments.map(({ url }) => url);
  const before = { ticks: ticksOf(server.pid), seen: proxy.seen.length, at: performance.now() };
  const bytes = await load(urls);
  const seconds = (performance.now() - before.at) / 1000;
  const milliseconds = ((ticksOf(server.pid) - before.ticks) * 10) / REQUESTS;
  console.log(
    `${name}: ${milliseconds.toFixed(2)} ms of processor time a segment of ${Math.round(bytes / REQUESTS / 1024)} KiB, ` +
      `${Math.round(REQUESTS / seconds)} a second, ${((proxy.seen.length - before.seen) / REQUESTS).toFixed(2)} requests to the bucket each`,
  );
}

async function encoded(server: RealServer): Promise<ApiVideo> {
  if ((await server.videos()).length === 0) {
    const form = new FormData();
    form.set('file', new Blob([await readFile(FILE)]), 'sample.mp4');
    await (await fetch(`${server.url}/api/v1/videos`, { method: 'POST', body: form })).text();
  }
  const ticks = new Map<number, number>();
  const video = await until('it is encoded', READY_MS, async () => {
    for (const pid of descendantsOf(server.pid)) ticks.set(pid, ticksOf(pid) || (ticks.get(pid) ?? 0));
    const [found] = await server.videos();
    return found?.status === 'ready' ? found : undefined;
  });
  const seconds = [...ticks.values()].reduce((sum, count) => sum + count, 0) / 100;
  const perSecond = seconds / (video.durationSeconds ?? 1);
  console.log(
    `  ${perSecond.toFixed(2)} s of processor time to encode a second of it, if it was not there before`,
  );
  return video;
}

/** The bytes of all answers together. */
async function load(urls: readonly string[]): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  let asked = 0;
  let bytes = 0;
  const ask = async (): Promise<void> => {
    while (asked < REQUESTS) {
      const url = urls[asked++ % urls.length]!;
      await new Promise<void>((resolve, reject) => {
        get(url, { agent }, (answer) => {
          answer.on('data', (chunk: Buffer) => (bytes += chunk.length));
          answer.on('end', resolve);
        }).on('error', reject);
      });
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, ask));
  agent.destroy();
  return bytes;
}

/** Hundredths of a second of processor time: proc(5). */
function ticksOf(pid: number): number {
  let line = '';
  try {
    line = readFileSync(join('/proc', `${pid}`, 'stat'), 'utf8');
  } catch {
    return 0;
  }
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
