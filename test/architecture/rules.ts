/** The house rules of docs/design (section 3), each a function from all modules to what breaks it. */
import type { Module } from './modules.ts';

/** From the top of the house down. An import may only point downward, or stay in its folder. */
const ORDER = [
  'main',
  'app',
  'config',
  'server',
  'pipeline',
  'readers',
  'engine',
  'catalog',
  'jobs',
  'cluster',
  'remote',
  'postgres',
  'storage',
  'formats',
  'containers',
  'media',
  'errors',
];

const PURE = new Set(['formats', 'containers', 'media']);
/** Packages that need neither Node nor a clock. */
const PURE_PACKAGES = new Set(['zod']);
const IMPURE = [
  'Date.now',
  'new Date()',
  'Math.random',
  'crypto',
  'performance',
  'process',
  'fetch',
  'Buffer',
  'console',
  'setTimeout',
  'setInterval',
  'globalThis',
];

/** Folders that hold both an interface and what implements it with the help of the machine or of packages. */
const SEAMS = new Set(['engine', 'catalog', 'jobs', 'cluster', 'remote', 'storage']);

/** Where HTTP is spoken: answered in server, asked in remote. */
const SPEAKS_HTTP = new Set(['server', 'remote']);

/** Those of HTTP's status codes that are nothing else by accident, such as a number of milliseconds or of pixels. */
const STATUS_CODES = [
  401, 403, 404, 405, 406, 409, 410, 412, 413, 415, 416, 422, 429, 501, 502, 503, 504, 507,
];

const MAX_LINES = 450;

/** What breaks a rule: one sentence each. */
export type Rule = (modules: readonly Module[]) => readonly string[];

/** Every rule by what it asks for. */
export const RULES: Readonly<Record<string, Rule>> = {
  'every file has a place in the house': (modules) =>
    modules
      .filter(({ path }) => !ORDER.includes(folderOf(path)))
      .map(({ path }) => `${path} is in no known folder`),

  'imports point downward': (modules) =>
    eachImport(modules, (from, to) => isSource(to) && isAbove(folderOf(to), folderOf(from))),

  'src imports nothing beside it': (modules) => eachImport(modules, (_, to) => to.startsWith('..')),

  'only main and app know the configuration': (modules) =>
    eachImport(
      modules,
      (from, to) => to === 'config.ts' && !['main', 'app', 'config'].includes(folderOf(from)),
    ),

  'formats, containers and media are pure': (modules) => {
    const pure = modules.filter(({ path }) => PURE.has(folderOf(path)));
    return [
      ...eachImport(pure, (_, to) => !isSource(to) && !PURE_PACKAGES.has(to)),
      ...pure.flatMap(({ path, uses }) =>
        IMPURE.filter((name) => uses.has(name)).map((name) => `${path} uses ${name}`),
      ),
    ];
  },

  'only app names concrete adapters': (modules) => {
    const adapters = adaptersOf(modules);
    return eachImport(
      modules,
      (from, to) =>
        adapters.has(to) && folderOf(from) !== folderOf(to) && !['main', 'app'].includes(folderOf(from)),
    );
  },

  'only adapters speak to PostgreSQL': (modules) => {
    const adapters = adaptersOf(modules);
    return eachImport(
      modules,
      (from, to) =>
        (folderOf(to) === 'postgres' || to === 'pg') &&
        !['app', 'postgres'].includes(folderOf(from)) &&
        !adapters.has(from),
    );
  },

  'HTTP is spoken in server, and in remote': (modules) =>
    modules
      .filter(({ path }) => !SPEAKS_HTTP.has(folderOf(path)) && !PURE.has(folderOf(path)))
      .flatMap(({ path, methods, numbers, imports }) => [
        ...STATUS_CODES.filter((code) => numbers.has(code)).map(
          (code) => `${path} has the status code ${code}`,
        ),
        ...['code', 'status', 'writeHead']
          .filter((name) => methods.has(name))
          .map((name) => `${path} calls .${name}()`),
        ...imports
          .filter((name) => /^(node:https?|fastify)/.test(name))
          .map((name) => `${path} imports ${name}`),
      ]),

  'the environment is read by config, handed over by main': (modules) =>
    modules
      .filter(({ path, uses }) => uses.has('process.env') && !['main.ts', 'config.ts'].includes(path))
      .map(({ path }) => `${path} reads process.env`),

  'whatever is exported is documented': (modules) =>
    modules.flatMap(({ path, undocumented }) =>
      undocumented.map((name) => `${path}: ${name} has no doc comment`),
    ),

  [`no file has more than ${MAX_LINES} lines`]: (modules) =>
    modules.filter(({ lines }) => lines > MAX_LINES).map(({ path, lines }) => `${path} has ${lines} lines`),
};

/** The first part of a path: `storage` of `storage/prefix.ts`, `app` of `app.ts`. */
function folderOf(path: string): string {
  return (path.split('/')[0] ?? '').replace(/\.ts$/, '');
}

function isSource(imported: string): boolean {
  return imported.endsWith('.ts') && !imported.startsWith('..');
}

function isAbove(folder: string, other: string): boolean {
  return ORDER.indexOf(folder) < ORDER.indexOf(other);
}

function eachImport(
  modules: readonly Module[],
  isForbidden: (from: string, to: string) => boolean,
): readonly string[] {
  return modules.flatMap(({ path, imports }) =>
    imports.filter((to) => isForbidden(path, to)).map((to) => `${path} imports ${to}`),
  );
}

/** Files of a seam that need the machine or a package, themselves or through what they import from their folder. */
function adaptersOf(modules: readonly Module[]): ReadonlySet<string> {
  const inSeams = modules.filter(({ path }) => SEAMS.has(folderOf(path)));
  const found = new Set<string>();
  for (let before = -1; before < found.size; ) {
    before = found.size;
    for (const { path, imports } of inSeams) {
      const isAdapter = imports.some(
        (to) =>
          (!isSource(to) && !PURE_PACKAGES.has(to)) || (folderOf(to) === folderOf(path) && found.has(to)),
      );
      if (isAdapter) found.add(path);
    }
  }
  return found;
}
