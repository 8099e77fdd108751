/** `sluice doctor`: whether everything is there that a server needs, one line each. */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { openDeployment } from '../app/deployment.ts';
import { openLibrary, openObjects } from '../app/places.ts';
import { pino } from 'pino';
import type { Config } from '../config.ts';
import { AppError } from '../errors.ts';
import { startEngine } from '../engine/supervisor.ts';
import { parseObjectKey } from '../storage/object-key.ts';
import { tryEncoding } from './try-encoding.ts';
import type { CommandContext } from './command.ts';
import { findRunningServer } from './running-server.ts';

/** What was found, in a few words; throws what is wrong. */
type Check = { readonly name: string; run(): Promise<string> };

const LEAST_NODE = 24;
const GIB = 1024 ** 3;

/** Writes a line for each check; the exit status is 1 where one failed. */
export async function runDoctor(_args: readonly string[], { config, signal }: CommandContext): Promise<void> {
  for (const { name, run } of checksOf(config, signal)) {
    const { isFine, text } = await run().then(
      (found) => ({ isFine: true, text: found }),
      (error: unknown) => ({ isFine: false, text: reasonOf(error) }),
    );
    process.stdout.write(`${isFine ? 'ok    ' : 'FAILED'}  ${name}: ${text}\n`);
    if (!isFine) process.exitCode = 1;
  }
}

function checksOf(config: Config, signal: AbortSignal): readonly Check[] {
  return [
    { name: 'Node.js', run: async () => checkNode() },
    { name: 'FFmpeg', run: () => checkEngine(signal) },
    { name: 'Data folder', run: () => checkWritable(config.dataFolder) },
    { name: 'Library', run: () => checkLibrary(config, signal) },
    { name: 'Free space', run: () => checkSpace(config) },
    { name: 'Database', run: () => checkDatabase(config) },
    { name: 'Store', run: () => checkStore(config, signal) },
    { name: 'Address', run: () => checkAddress(config, signal) },
  ];
}

function checkNode(): string {
  const version = process.versions.node;
  if (Number.parseInt(version, 10) >= LEAST_NODE) return version;
  throw new Error(`${version} is too old: ${LEAST_NODE} is the least`);
}

async function checkEngine(signal: AbortSignal): Promise<string> {
  await using engine = startEngine({ spares: 0, idleMs: 0 });
  await tryEncoding(engine, signal);
  return 'loads, encodes picture and sound';
}

async function checkWritable(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, `.doctor-${randomUUID()}`);
  await writeFile(file, 'x').finally(() => rm(file, { force: true }));
  return `${folder} can be written to`;
}

async function checkLibrary(config: Config, signal: AbortSignal): Promise<string> {
  const { library } = config;
  if (library.kind === 'folder')
    return `${library.path} can be read, ${(await readdir(library.path)).length} entries`;
  for await (const { key } of openLibrary(config).store.list('', { signal }))
    return `can be read, has ${key}`;
  return 'can be read, is empty';
}

async function checkSpace(config: Config): Promise<string> {
  using objects = await openObjects(config);
  const free = await objects.partials.freeBytes();
  if (free === undefined) return 'a bucket has no limit that it tells';
  const text = `${(free / GIB).toFixed(1)} GiB`;
  if (free >= config.minFreeBytes) return text;
  throw new Error(`${text}, less than SLUICE_MIN_FREE_BYTES: uploads are refused`);
}

async function checkDatabase(config: Config): Promise<string> {
  const isThere = await stat(join(config.dataFolder, 'catalog.sqlite')).then(
    () => true,
    () => false,
  );
  // Opening it would make it.
  if (config.databaseUrl === undefined && !isThere) return 'none yet, made at the first start';
  const deployment = await openDeployment(config, pino({ level: 'silent' }));
  try {
    await deployment.catalog.ping();
    return 'answers';
  } finally {
    await deployment.jobs.close(0);
    await deployment.close();
  }
}

async function checkStore(config: Config, signal: AbortSignal): Promise<string> {
  using objects = await openObjects(config);
  const { store } = objects;
  const key = parseObjectKey(`doctor-${randomUUID()}`);
  try {
    await store.put(key, new Uint8Array([1, 2, 3]), { signal });
    const { body } = await store.get(key, { range: { start: 1, end: 2 }, signal });
    const bytes = await new Response(body).bytes();
    if (bytes.join() !== '2,3') throw new Error('gives other bytes than it was given');
  } finally {
    await store.delete(key);
  }
  return 'takes and gives objects';
}

async function checkAddress(config: Config, signal: AbortSignal): Promise<string> {
  const url = await findRunningServer(config, signal);
  if (url !== undefined) return `a server is running at ${url}`;
  const where = `${config.host}:${config.port}`;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const server = createServer();
  server.once('error', reject);
  server.listen({ host: config.host, port: config.port }, resolve);
  await promise;
  server.close();
  return `${where} is free`;
}

/** One line. */
function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof AppError || code === undefined) return message;
  return message.includes(code) ? message : `${message} (${code})`;
}
