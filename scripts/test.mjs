/** `npm test`: the checks, then every test. `npm test -- <file>...` runs these files alone. */
import { spawnSync } from 'node:child_process';
import { delimiter, dirname } from 'node:path';
import { setUp } from './setup.mjs';

const node = setUp();
// Everything that runs from here on runs on the project's own Node.
const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
const files = process.argv.slice(2);
if (files.length === 0) run('npm', ['run', '--silent', 'check']);
run('node', ['scripts/run-tests.mjs', ...files]);

function run(command, args) {
  const { status } = spawnSync(command, args, { stdio: 'inherit', shell: process.platform === 'win32', env });
  if (status !== 0) process.exit(status ?? 1);
}
