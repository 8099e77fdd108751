/** `npm test`: the checks, then every test. `npm test -- <file>...` runs these files alone. */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { delimiter, dirname } from 'node:path';
import { setUp } from './setup.mjs';

const node = setUp();
// Everything that runs from here on runs on the project's own Node.
const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
// Tests wait more than they compute: two files at a time keep two cores busy, where Node would run one.
const filesAtATime = Math.max(2, availableParallelism() - 1);
const files = process.argv.slice(2);
if (files.length === 0) run('npm', ['run', '--silent', 'check']);
run('node', [
  '--test',
  // For one test: what hangs is to fail by itself, long before someone ends the whole run.
  '--test-timeout=300000',
  `--test-concurrency=${filesAtATime}`,
  ...(files.length > 0 ? files : ['test/**/*.test.ts', 'examples/**/*.test.ts']),
]);

function run(command, args) {
  const { status } = spawnSync(command, args, { stdio: 'inherit', shell: process.platform === 'win32', env });
  if (status !== 0) process.exit(status ?? 1);
}
