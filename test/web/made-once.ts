/** What several test files need and is slow to make: made by the first, kept in `.cache/` while its sources stay as they are. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { glob, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { makeAudioStream, makePoster, makeStoryboard, makeVideoStream } from './streams.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CACHE = join(ROOT, '.cache');

/** The folder of the pages, built from their sources as they are. */
export function builtPages(): Promise<string> {
  const sources = ['web/*.*', 'web/{player,public,src}/**/*.*', 'package-lock.json'];
  return madeOnce('web-pages', sources, async (outDir) => {
    await build({ root: join(ROOT, 'web'), logLevel: 'error', build: { outDir, emptyOutDir: true } });
  });
}

/** A folder with the streams `video` and `audio`. */
export function madeStreams(ffmpeg: string): Promise<string> {
  return madeOnce('web-streams', ['test/web/streams.ts'], async (folder) => {
    const video = join(folder, 'video');
    await Promise.all([makeVideoStream(ffmpeg, video), makeAudioStream(ffmpeg, join(folder, 'audio'))]);
    await makePoster(ffmpeg, join(video, 'poster.jpg'), '848x480');
    await makeStoryboard(join(video, 'storyboard.vtt'), 'poster.jpg');
  });
}

/** Whoever comes while it is being made makes it too; the first to be done wins. */
async function madeOnce(
  name: string,
  sources: readonly string[],
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = join(CACHE, `${name}-${await fingerprintOf(sources)}`);
  if (existsSync(folder)) return folder;
  await mkdir(CACHE, { recursive: true });
  const making = await mkdtemp(join(CACHE, 'making-'));
  try {
    await make(making);
    await rename(making, folder);
  } catch (error) {
    await rm(making, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  for (const other of await readdir(CACHE)) {
    const path = join(CACHE, other);
    if (other.startsWith(`${name}-`) && path !== folder) await rm(path, { recursive: true, force: true });
  }
  return folder;
}

async function fingerprintOf(sources: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  const files = await Array.fromAsync(glob([...sources], { cwd: ROOT }));
  for (const file of files.sort()) hash.update(file).update(await readFile(join(ROOT, file)));
  return hash.digest('hex').slice(0, 16);
}
