/** `npm test`: the checks, then every test. `npm test -- <file>...` runs these files alone. */
import { spawnSync } from 'node:child_process';

const files = process.argv.slice(2);
if (files.length === 0) run('npm', ['run', '--silent', 'check']);
run('node', ['--test', '--test-timeout=600000', ...(files.length > 0 ? files : ['test/**/*.test.ts'])]);

/** npm has put the project's own Node and tools first in the path. */
function run(command, args) {
  const { status } = spawnSync(command, args, { stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) process.exit(status ?? 1);
}
