/** The whole program, with folders of its own, as people run it. Always ended with the test. */
import { copyFile, mkdir } from 'node:fs/promises';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Folders, type ServerOptions, type ServerProcess, startProcess } from './server-process.ts';
import { startProcesses } from './several-processes.ts';
import { deploymentOf, isShared } from './shared-deployment.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';
import { until } from '../until.ts';

export { until };

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const INSPECTION_MS = 60_000;

export const SAMPLE = join(ROOT, 'assets', 'Sluice sample.mp4');
export const ASSETS = join(ROOT, 'assets');
/** Real footage that is not part of the repository: tests that use it are skipped where it is missing. */
export const BIG_BUCK_BUNNY = join(ROOT, '..', 'shared', 'media', 'big-buck-bunny-480p-30s.mp4');

/** What these tests look at in the API's Video. */
export type ApiVideo = {
  readonly id: string;
  readonly title: string;
  readonly status: string;
  readonly error?: { readonly code: string; readonly message: string };
  readonly durationSeconds?: number;
  readonly frameRate?: number;
  readonly source: { readonly name: string };
  readonly captions: readonly {
    readonly language: string;
    readonly label: string;
    readonly kind: string;
    readonly isDefault: boolean;
    readonly isForced: boolean;
    readonly origin: string;
    readonly url: string;
  }[];
  readonly playback: {
    readonly hls?: string;
    readonly dash?: string;
    readonly hlsTs?: string;
    readonly mp4?: readonly { readonly quality: string; readonly url: string }[];
    readonly poster?: string;
    readonly storyboard?: string;
  };
};

export type RealServer = ServerProcess & {
  videos(): Promise<readonly ApiVideo[]>;
  /** Waits until the source of this name (its path below the library folder) has been inspected. */
  video(sourceName: string): Promise<ApiVideo>;
};

export type ServerFolders = AsyncDisposable & { readonly library: string; readonly data: string };

/** Two empty folders, deleted in the end; `files` are copied into the library. */
export async function serverFolders(files: readonly string[] = []): Promise<ServerFolders> {
  const folder = await temporaryFolder();
  const library = join(folder.path, 'library');
  const data = join(folder.path, 'data');
  await mkdir(library);
  for (const file of files) await copyFile(file, join(library, basename(file)));
  return { library, data, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

/**
 * Starts `sluice serve` and waits until it is ready. Nothing is encoded that nobody asks for. With `npm run test:shared`
 * it is several processes, unless `options` say what it is to be.
 */
export async function startServer(
  folders: Folders,
  environment: Readonly<Record<string, string>> = {},
  options: ServerOptions = {},
): Promise<RealServer> {
  const all = { ...(await deploymentOf(folders.data)), ...environment };
  return realServer(
    isShared && options.command === undefined
      ? await startProcesses(folders, all, options)
      : await startProcess(folders, all, options),
  );
}

/** With what tests ask of a server. */
export function realServer(started: ServerProcess): RealServer {
  const videos = async (): Promise<readonly ApiVideo[]> => {
    const answer = await fetch(`${started.url}/api/v1/videos?limit=100`);
    return ((await answer.json()) as { items: ApiVideo[] }).items;
  };
  return {
    ...started,
    videos,
    video: (sourceName) =>
      until(`${sourceName} is inspected`, INSPECTION_MS, async () => {
        const found = (await videos()).find((video) => video.source.name === sourceName);
        return found === undefined || found.status === 'inspecting' ? undefined : found;
      }),
  };
}

/** Every process below `pid` in the tree of processes. */
export function descendantsOf(pid: number): readonly number[] {
  const parents = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? parentOf(Number(name)) : []));
  const found: number[] = [];
  const queue = [pid];
  for (let parent = queue.shift(); parent !== undefined; parent = queue.shift()) {
    const children = parents.filter((entry) => entry.parent === parent).map((entry) => entry.pid);
    found.push(...children);
    queue.push(...children);
  }
  return found;
}

/** Whether the process is there and is not only waiting for its parent to take note of its end. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function parentOf(pid: number): { pid: number; parent: number }[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything; the state and the parent follow it.
    return [{ pid, parent: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) }];
  } catch {
    return [];
  }
}
