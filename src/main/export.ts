/** `sluice export`: a video as files for a plain web server or a CDN. */
import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openCommands } from '../app/commands.ts';
import { openObjects } from '../app/places.ts';
import { parseVideoId } from '../catalog/video.ts';
import { readPlace } from '../config.ts';
import { isPartOf } from '../config/places.ts';
import { AppError } from '../errors.ts';
import { TEMPORARY_FOLDER } from '../storage/file-system-paths.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { CommandContext } from './command.ts';
import { readArguments } from './arguments.ts';
import { progressLine } from './progress-line.ts';

const EXPORT_USAGE = 'export <video id> --to <folder or s3://bucket/prefix> [--formats hls,dash]';

/** Throws `invalid_request` for arguments that are none of its own, and as `exportVideo`. */
export async function runExport(args: readonly string[], context: CommandContext): Promise<void> {
  const { config, signal } = context;
  const { videoId, formats, to } = parse(args);
  await using target = await openTarget(to, context);
  await using commands = await openCommands({ ...config, mediaRedirect: 'off' });
  const progress = progressLine(process.stderr);
  try {
    const result = await commands.exportVideo({
      videoId,
      formats,
      target: target.store,
      signal,
      onProgress: ({ stage, done, total }) => {
        const things = stage === 'encoding' ? 'chunks encoded' : 'files copied';
        progress.show(`${done} of ${total} ${things}`, done / total);
      },
    });
    progress.end();
    const { written, kept, entries } = result;
    process.stdout.write(`${written} files written, ${kept} were there already. Players are given:\n`);
    for (const entry of entries) process.stdout.write(`  ${target.nameOf(entry)}\n`);
  } finally {
    progress.end();
  }
}

function parse(args: readonly string[]) {
  const { values, rest } = readArguments(args, ['to', 'formats'], EXPORT_USAGE);
  const { to, formats = 'hls,dash' } = values;
  const [videoId, ...others] = rest;
  if (videoId === undefined || others.length > 0 || to === undefined || to === '')
    throw new AppError('invalid_request', `usage: sluice ${EXPORT_USAGE}`);
  return { videoId: parseVideoId(videoId), to, formats: [...new Set(formats.split(','))] };
}

type Target = AsyncDisposable & {
  readonly store: ObjectStore;
  nameOf(path: string): string;
};

async function openTarget(to: string, { config, environment }: CommandContext): Promise<Target> {
  const place = readPlace('--to', to, environment);
  const own = [config.library, config.store, { kind: 'folder', path: config.dataFolder } as const];
  if (own.some((outer) => isPartOf(outer, place)))
    throw new AppError('invalid_request', `${to} is where Sluice itself works: export to another place`);
  const objects = await openObjects({ ...config, store: place, mediaRedirect: 'off' });
  return {
    store: objects.store,
    nameOf: (path) => (place.kind === 'folder' ? join(place.path, path) : `${to.replace(/\/$/, '')}/${path}`),
    async [Symbol.asyncDispose]() {
      objects[Symbol.dispose]();
      // Where files are until they are whole; not empty while another export is at work.
      if (place.kind === 'folder') await rmdir(join(place.path, TEMPORARY_FOLDER)).catch(() => undefined);
    },
  };
}
