/**
 * Programs that judge our bytes from outside (FFmpeg's own demuxers, a real browser) and a database server. They are
 * not needed to run Sluice by itself, only to test it.
 */
import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export type ToolName = 'ffmpeg' | 'ffprobe' | 'chromium';

/** `skip` goes straight into a test's options: `test('...', { skip: ffmpeg.skip }, ...)`. */
export type Tool = {
  /** What to execute; empty when the tool is missing. */
  readonly path: string;
  /** `false`, or why the tests that need the tool are skipped. */
  readonly skip: false | string;
};

const TOOLS: Record<ToolName, { readonly commands: readonly string[]; readonly debianPackage: string }> = {
  ffmpeg: { commands: ['ffmpeg'], debianPackage: 'ffmpeg' },
  ffprobe: { commands: ['ffprobe'], debianPackage: 'ffmpeg' },
  chromium: { commands: ['chromium', 'chromium-browser', 'google-chrome'], debianPackage: 'chromium' },
};

/**
 * Finds a tool on the PATH; on Debian, as root, installs it when it is missing. Otherwise the tests that need
 * it are skipped and one line says what to install. Under `CI=true` nothing is skipped: a missing tool throws.
 */
export function requireTool(name: ToolName): Tool {
  const { commands, debianPackage } = TOOLS[name];
  return requireInstalled(name, debianPackage, () => findOnPath(commands));
}

/** The same for what is not one command on the PATH: `find` says where it is. */
export function requireInstalled(name: string, debianPackage: string, find: () => string | undefined): Tool {
  const found = find() ?? installOnDebian(debianPackage, find);
  if (found !== undefined) return { path: found, skip: false };
  const message = `SKIPPED: ${name} is not installed; install it (Debian: apt-get install ${debianPackage})`;
  if (process.env['CI'] === 'true') throw new Error(message);
  console.error(message);
  return { path: '', skip: message };
}

/** The first of `commands` that is to be found. */
export function findOnPath(commands: readonly string[]): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates = commands.flatMap((command) => folders.map((folder) => join(folder, command)));
  return candidates.find(isExecutable);
}

/** Test files run as parallel processes: one installs, the others wait and then find the tool. */
function installOnDebian(debianPackage: string, find: () => string | undefined): string | undefined {
  if (process.getuid?.() !== 0 || !isExecutable('/usr/bin/apt-get')) return undefined;
  const isInstalled = `dpkg-query -W -f '\${Status}' ${debianPackage} | grep -q 'ok installed'`;
  const install = `apt-get update && apt-get install -y --no-install-recommends ${debianPackage}`;
  try {
    const script = `${isInstalled} || { ${install}; }`;
    execFileSync('flock', [join(tmpdir(), 'sluice-test-tools.lock'), 'sh', '-c', script], {
      stdio: 'ignore',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  } catch {
    // No network, no such package: the caller says what is missing.
  }
  return find();
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
