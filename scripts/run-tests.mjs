/** Runs test files, those that were named or all, on the Node that runs it. `npm test` is what people call. */
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve, sep } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath, pathToFileURL } from 'node:url';

const scripts = dirname(fileURLToPath(import.meta.url));
const root = dirname(scripts);
/** The longest files lie here. They begin first, so that no single one is left to run in the end. */
const LONG = [join('test', 'media-cases'), join('test', 'e2e'), join('test', 'web')];
/** For one test: what hangs is to fail by itself, long before someone ends the whole run. */
const TEST_MS = 180_000;
const SLOWEST = 12;
const FAILURE_CHARACTERS = 500;

const named = process.argv.slice(2);
const seconds = new Map();
const failures = [];

const events = run({
  files: named.length > 0 ? named.map((file) => resolve(file)) : allFiles(),
  // Tests wait more than they compute: two files at a time keep two cores busy, where Node would run one.
  concurrency: Math.max(2, availableParallelism() - 1),
  timeout: TEST_MS,
  execArgv: ['--import', pathToFileURL(join(scripts, 'test-guard.mjs')).href],
});
events.on('test:fail', ({ name, details: { error } }) => {
  process.exitCode = 1;
  // A suite fails with its tests: they say why.
  if (error.failureType !== 'subtestsFailed') failures.push(`${name}: ${oneLine(error.cause ?? error)}`);
});
events.on('test:summary', ({ file, duration_ms: milliseconds }) => {
  if (file !== undefined) seconds.set(file.slice(root.length + 1), milliseconds / 1000);
});
events.compose(spec).pipe(process.stdout);
events.once('end', () =>
  process.once('exit', () => {
    tellSlowest();
    tellFailures();
  }),
);

function allFiles() {
  const files = globSync(['test/**/*.test.ts', 'examples/**/*.test.ts'], { cwd: root }).sort();
  return files.toSorted((a, b) => rank(a) - rank(b)).map((file) => join(root, file));
}

function rank(file) {
  const index = LONG.findIndex((folder) => file.startsWith(folder + sep));
  return index < 0 ? LONG.length : index;
}

function tellSlowest() {
  if (seconds.size <= 1) return;
  const slowest = [...seconds].toSorted(([, a], [, b]) => b - a).slice(0, SLOWEST);
  console.log(
    `\nslowest files: ${slowest.map(([file, time]) => `${file} ${Math.round(time)} s`).join(', ')}`,
  );
}

/** Once more and short, since the end of the output is what is seen first, and what is kept where it is cut. */
function tellFailures() {
  if (failures.length > 0) console.log(`\nfailed:\n${failures.map((failure) => `  ${failure}`).join('\n')}`);
}

function oneLine(cause) {
  return String(cause?.message ?? cause)
    .replaceAll(/\s+/g, ' ')
    .slice(0, FAILURE_CHARACTERS);
}
