/**
 * `sluice import`: files become uploads. Through the running server where there is one, which so begins with them at
 * once; otherwise straight into catalog and store, where the next start finds them.
 */
import { openAsBlob } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { openCommands } from '../app/commands.ts';
import type { Config } from '../config.ts';
import { AppError, isAppError } from '../errors.ts';
import { hasMediaExtension } from '../readers/file-types.ts';
import { readArguments } from './arguments.ts';
import type { CommandContext } from './command.ts';
import { findRunningServer } from './running-server.ts';
import { uploadFile } from './upload-file.ts';

const IMPORT_USAGE = 'import <file or folder>...';

/** Takes one file; gives the id of its video. */
type Importer = { take(file: string): Promise<string>; close(): Promise<void> };

/** Throws `invalid_request`. What is wrong with one file is said, and keeps no other from being taken. */
export async function runImport(args: readonly string[], { config, signal }: CommandContext): Promise<void> {
  const { rest } = readArguments(args, [], IMPORT_USAGE);
  if (rest.length === 0) throw new AppError('invalid_request', `usage: sluice ${IMPORT_USAGE}`);
  const files = (await Promise.all(rest.map(filesAt))).flat();
  if (files.length === 0) throw new AppError('invalid_request', 'there are no media files');
  const importer = await importerFor(config, signal);
  try {
    for (const file of files) {
      if (signal.aborted) throw new AppError('aborted', 'the import was stopped');
      try {
        process.stdout.write(`${await importer.take(file)}  ${file}\n`);
      } catch (error) {
        if (!isAppError(error) || signal.aborted) throw error;
        process.stderr.write(`sluice: ${file}: ${error.message}\n`);
        process.exitCode = 1;
      }
    }
  } finally {
    await importer.close();
  }
}

/** A file as it is named; of a folder, whatever in it has the name of a media file. */
async function filesAt(path: string): Promise<readonly string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && !entry.name.startsWith('.') && hasMediaExtension(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .toSorted();
  } catch (error) {
    throw new AppError('invalid_request', `${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

async function importerFor(config: Config, signal: AbortSignal): Promise<Importer> {
  const url = await findRunningServer(config, signal);
  if (url !== undefined) {
    process.stderr.write(`through the server at ${url}\n`);
    const server = { url, ...(config.apiKey === undefined ? {} : { apiKey: config.apiKey }) };
    return { take: (file) => uploadFile(server, file, signal), close: async () => undefined };
  }
  process.stderr.write('no server answers: the next one that starts will begin with them\n');
  const commands = await openCommands(config);
  return {
    close: async () => commands[Symbol.asyncDispose](),
    take: async (file) => {
      const blob = await openAsBlob(file);
      const request = { filename: basename(file), bytes: blob.size };
      return (await commands.addFile(request, blob.stream(), signal)).id;
    },
  };
}
