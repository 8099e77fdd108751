/**
 * `npm start`: makes everything ready, then runs the server on the project's own Node.
 * `npm run sluice -- <command>`: the same with any other command.
 */
import { spawn } from 'node:child_process';
import { setUp } from './setup.mjs';

const isWindows = process.platform === 'win32';
// There a shell is in between, which would take names with spaces apart.
const args = process.argv.slice(2).map((arg) => (isWindows ? JSON.stringify(arg) : arg));
const server = spawn(setUp(), ['src/main.ts', ...args], {
  stdio: 'inherit',
  shell: isWindows,
});
// Whoever stops us means the server.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => server.kill(signal));
// npm does not pass SIGTERM on when it is told to stop: it is just gone.
const npm = process.ppid;
setInterval(() => process.ppid !== npm && server.kill('SIGTERM'), 500).unref();
server.once('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 0)));
