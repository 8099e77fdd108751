/**
 * Makes a fresh clone ready to run: installs what the lock file says, builds the pages. `npm start` and `npm test`
 * begin with it, on whatever Node is there (20 or later), and it does nothing where nothing has changed. Not as
 * `prestart` and `pretest`: npm leaves those out where install scripts are switched off, as they are here (.npmrc).
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');

/** Resolves with the path of the Node that the project runs on. */
export function setUp() {
  install();
  const node = projectNode();
  buildPages(node);
  return node;
}

function install() {
  const lock = hashOf([join(root, 'package-lock.json')]);
  const stamp = join(modules, '.sluice-lock');
  if (readStamp(stamp) === lock) return;
  say('installing packages');
  run(process.execPath, [npmCli(), 'ci', '--loglevel=error']);
  writeFileSync(stamp, lock);
}

/** Node 26 comes as a package; where there is none for this platform, the one that runs us has to do. */
function projectNode() {
  const packaged = join(modules, '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');
  const node = existsSync(packaged) ? packaged : process.execPath;
  const { stdout } = spawnSync(node, ['--version'], {
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (Number(/^v(\d+)/.exec(stdout ?? '')?.[1] ?? 0) >= 24) return node;
  say(
    `Node 24 or later is needed, and there is no package of it for ${process.platform}-${process.arch}: install it`,
  );
  process.exit(1);
}

function buildPages(node) {
  const sources = hashOf([join(root, 'package-lock.json'), ...filesBelow(join(root, 'web'))]);
  const stamp = join(root, 'web', 'dist', '.sluice-build');
  if (readStamp(stamp) === sources) return;
  say('building the pages');
  run(node, [join(modules, 'vite', 'bin', 'vite.js'), 'build', 'web', '--logLevel', 'warn']);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, sources);
}

/** The npm that runs us, or the one beside Node. */
function npmCli() {
  const beside = join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js');
  return process.env.npm_execpath ?? beside;
}

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => name !== 'dist' && name !== 'node_modules')
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(path) : [path];
    })
    .sort();
}

function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of files)
    if (statSync(file).isFile()) hash.update(file.slice(root.length)).update(readFileSync(file));
  return hash.digest('hex');
}

function readStamp(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status === 0) return;
  if (error !== undefined) say(String(error));
  process.exit(status ?? 1);
}

function say(text) {
  process.stderr.write(`sluice: ${text}\n`);
}
