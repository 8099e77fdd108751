/** `npm start`: makes everything ready, then runs the server on the project's own Node. */
import { spawn } from 'node:child_process';
import { setUp } from './setup.mjs';

const server = spawn(setUp(), ['src/main.ts', 'serve'], {
  stdio: 'inherit',
  shell: process.platform === 'win32',
});
// Whoever stops us means the server.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => server.kill(signal));
// npm does not pass SIGTERM on when it is told to stop: it is just gone.
const npm = process.ppid;
setInterval(() => process.ppid !== npm && server.kill('SIGTERM'), 500).unref();
server.once('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 0)));
