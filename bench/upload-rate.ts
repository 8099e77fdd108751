/**
 * The rate at which an upload is taken, against tusd: the same client (tus-js-client in a process of its own), the
 * same file, the same disk, in turn. We force every byte to the disk before we answer; tusd leaves that to the system,
 * so the second ratio counts for tusd the time until its file is on the disk too.
 *
 *   go install github.com/tus/tusd/v2/cmd/tusd@latest
 *   node bench/upload-rate.ts [megabytes, 512 unless given] [pairs, 7 unless given] [folder, of the system unless given]
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdtemp, open, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Upload } from 'tus-js-client';
import { SAMPLE, startServer } from '../test/e2e/real-server.ts';
import { median } from './processor-time.ts';

const MB = 1024 * 1024;
const LIMIT = 0.8;

if (process.argv[2] === 'client') await upload(process.argv[3]!, process.argv[4]!);
else await compare();

/** Prints the seconds that it took. */
async function upload(endpoint: string, file: string): Promise<void> {
  const { size } = await stat(file);
  const start = performance.now();
  await new Promise<void>((resolve, reject) => {
    new Upload(createReadStream(file, { highWaterMark: MB }) as unknown as File, {
      endpoint,
      uploadSize: size,
      metadata: { filename: 'film.mp4' },
      onError: reject,
      onSuccess: () => resolve(),
    }).start();
  });
  console.log((performance.now() - start) / 1000);
}

async function compare(): Promise<void> {
  const [megabytes = '512', pairs = '7', place = tmpdir()] = process.argv.slice(2);
  const folder = await mkdtemp(join(place, 'upload-rate-'));
  const file = join(folder, 'film.mp4');
  await makeFile(file, Number(megabytes));
  await using sluice = await startServer(
    { library: join(folder, 'library'), data: join(folder, 'data') },
    { SLUICE_LOG_LEVEL: 'warn', SLUICE_MIN_FREE_BYTES: '1M' },
  );
  const tusdFolder = join(folder, 'tusd');
  const port = 20_000 + (process.pid % 20_000);
  const tusd = spawn('tusd', ['-host', '127.0.0.1', '-port', String(port), '-upload-dir', tusdFolder], {
    stdio: 'ignore',
  });
  const ratios: { answered: number; onDisk: number }[] = [];
  try {
    await new Promise((resolve) => setTimeout(resolve, 2000));
    // One pair more, to warm up. Files stay until the end: deleting them keeps the disk busy for long after.
    for (let pair = 0; pair <= Number(pairs); pair++) {
      const ours = await timed(`${sluice.url}/api/v1/uploads`, file);
      const theirs = await timed(`http://127.0.0.1:${port}/files/`, file);
      const synced = theirs + (await syncAll(tusdFolder));
      if (pair === 0) continue;
      ratios.push({ answered: theirs / ours, onDisk: synced / ours });
      console.log(
        `sluice ${ours.toFixed(2)} s, tusd ${theirs.toFixed(2)} s, on the disk ${synced.toFixed(2)} s: ` +
          `our rate is ${(theirs / ours).toFixed(2)} and ${(synced / ours).toFixed(2)} of tusd's`,
      );
    }
  } finally {
    tusd.kill();
    await sluice.stop('SIGTERM');
    await rm(folder, { recursive: true, force: true });
  }
  const answered = median(ratios.map((ratio) => ratio.answered));
  const onDisk = median(ratios.map((ratio) => ratio.onDisk));
  console.log(
    `median: ${answered.toFixed(2)} of tusd's rate, ${onDisk.toFixed(2)} with its file on the disk; at least ${LIMIT}`,
  );
  process.exitCode = answered >= LIMIT ? 0 : 1;
}

/** Begins as a film does, or it would be refused. */
async function makeFile(file: string, megabytes: number): Promise<void> {
  await copyFile(SAMPLE, file);
  const handle = await open(file, 'a');
  const block = randomBytes(16 * MB);
  let size = (await handle.stat()).size;
  for (; size < megabytes * MB; size += block.length) await handle.write(block);
  await handle.truncate(megabytes * MB);
  await handle.sync();
  await handle.close();
}

/** Seconds that a client of its own needs. */
async function timed(endpoint: string, file: string): Promise<number> {
  const self = fileURLToPath(import.meta.url);
  const client = spawn(process.execPath, [self, 'client', endpoint, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  client.stdout.on('data', (chunk) => (output += String(chunk)));
  await new Promise((resolve) => client.once('close', resolve));
  const seconds = Number(output);
  if (!(seconds > 0)) throw new Error(`the upload to ${endpoint} failed`);
  return seconds;
}

/** Seconds until everything in `folder` is on the disk. */
async function syncAll(folder: string): Promise<number> {
  const start = performance.now();
  for (const name of await readdir(folder)) {
    const handle = await open(join(folder, name));
    await handle.datasync();
    await handle.close();
  }
  return (performance.now() - start) / 1000;
}
