/**
 * The wall time in which the background fills the whole ladder of an upload, against one `ffmpeg` command line
 * that makes the same ladder with the same encoder settings, in turn on the same machine. Prints the ratio of
 * each pair and their median.
 *
 *   node bench/ladder.ts <file> [pairs]
 */
import { spawn } from 'node:child_process';
import { openAsBlob } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { serverFolders, startServer, until } from '../test/e2e/real-server.ts';

const READY_MS = 3_600_000;

type Track = {
  readonly id: string;
  readonly kind: string;
  readonly width?: number;
  readonly height?: number;
};
type Video = {
  readonly id: string;
  readonly status: string;
  readonly frameRate?: number;
  readonly tracks: readonly Track[];
  readonly error?: { readonly message: string };
};

const [file, pairs = '3'] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: node bench/ladder.ts <file> [pairs]');

const ratios: number[] = [];
for (let pair = 0; pair < Number(pairs); pair++) {
  const ours = await fillByServer(file);
  const theirs = await encodeByCommandLine(file, ours.video);
  ratios.push(ours.seconds / theirs);
  console.log(
    `sluice ${ours.seconds.toFixed(1)} s, ffmpeg ${theirs.toFixed(1)} s, ratio ${ratios.at(-1)!.toFixed(3)}`,
  );
}
console.log(`median ratio ${ratios.toSorted((a, b) => a - b)[ratios.length >> 1]!.toFixed(3)}`);

/** From the answer to the upload until every segment is stored. */
async function fillByServer(source: string): Promise<{ seconds: number; video: Video }> {
  await using folders = await serverFolders();
  await using server = await startServer(folders, { SLUICE_ENCODE: 'eager', SLUICE_LOG_LEVEL: 'warn' });
  const form = new FormData();
  form.set('file', await openAsBlob(source), basename(source));
  const answer = await fetch(`${server.url}/api/v1/videos`, { method: 'POST', body: form });
  const { id } = (await answer.json()) as Video;
  const start = performance.now();
  const video = await until('the ladder is filled', READY_MS, async () => {
    const now = (await (await fetch(`${server.url}/api/v1/videos/${id}`)).json()) as Video;
    if (now.status === 'failed') throw new Error(now.error?.message);
    return now.status === 'ready' ? now : undefined;
  });
  return { seconds: (performance.now() - start) / 1000, video };
}

/** One decode, all rungs, and the sound: what somebody would write by hand. */
async function encodeByCommandLine(source: string, { tracks, frameRate = 25 }: Video): Promise<number> {
  const rungs = tracks.filter(({ kind }) => kind === 'video');
  const split = `[0:v]split=${rungs.length}${rungs.map((_, index) => `[s${index}]`).join('')}`;
  const scales = rungs.map(
    ({ width, height }, index) => `[s${index}]scale=${width}:${height}:flags=bicubic[o${index}]`,
  );
  const gop = String(Math.round(4 * frameRate));
  const settings = ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '23', '-bf', '3'];
  settings.push('-x264-params', `b-pyramid=none:keyint=${gop}:min-keyint=${gop}:scenecut=0`, '-an', '-y');
  const outputs = rungs.flatMap(({ id }, index) => [
    '-map',
    `[o${index}]`,
    ...settings,
    `/tmp/bench-${id}.mp4`,
  ]);
  const sound = tracks.some(({ kind }) => kind === 'audio')
    ? [
        '-map',
        '0:a:0',
        '-c:a',
        'aac',
        '-b:a',
        '128k',
        '-ac',
        '2',
        '-ar',
        '48000',
        '-y',
        '/tmp/bench-sound.mp4',
      ]
    : [];
  const start = performance.now();
  await run([
    '-v',
    'error',
    '-i',
    source,
    '-filter_complex',
    [split, ...scales].join(';'),
    ...outputs,
    ...sound,
  ]);
  const seconds = (performance.now() - start) / 1000;
  await Promise.all(rungs.map(({ id }) => rm(`/tmp/bench-${id}.mp4`)));
  return seconds;
}

function run(args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('ffmpeg', ['-nostdin', ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`ffmpeg ended with ${code}`))));
  });
}
