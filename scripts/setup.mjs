/**
 * Makes a fresh clone ready to run: installs what the lock file says, builds the pages. Runs before `npm start`
 * and `npm test`, on whatever Node is there (20 or later), and does nothing where nothing has changed.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');

const lock = hashOf([join(root, 'package-lock.json')]);
if (readStamp(join(modules, '.sluice-lock')) !== lock) {
  say('installing packages');
  run(process.execPath, [npmCli(), 'ci', '--loglevel=error']);
  writeFileSync(join(modules, '.sluice-lock'), lock);
}

const node = join(modules, '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');
const [major = 0] = versionOf(node);
if (major < 24) {
  say(
    `Node 24 or later is needed, and the registry has none for ${process.platform}-${process.arch}: install it`,
  );
  process.exit(1);
}

const pages = hashOf([join(root, 'package-lock.json'), ...filesBelow(join(root, 'web'))]);
const pagesStamp = join(root, 'web', 'dist', '.sluice-build');
if (readStamp(pagesStamp) !== pages) {
  say('building the pages');
  run(node, [join(modules, 'vite', 'bin', 'vite.js'), 'build', 'web', '--logLevel', 'warn']);
  mkdirSync(dirname(pagesStamp), { recursive: true });
  writeFileSync(pagesStamp, pages);
}

/** The npm that runs us, or the one beside Node. */
function npmCli() {
  const beside = join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js');
  return process.env.npm_execpath ?? beside;
}

function versionOf(program) {
  const command = existsSync(program) ? program : process.execPath;
  const { stdout } = spawnSync(command, ['--version'], {
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  return (stdout ?? '').trim().replace('v', '').split('.').map(Number);
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
