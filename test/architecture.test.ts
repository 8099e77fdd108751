/** Holds the house rules, and holds the rules to account: each of them is seen to fail where it should. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createVirtualFileSystem } from 'typescript/unstable/fs';
import { readModules } from './architecture/modules.ts';
import { RULES } from './architecture/rules.ts';

/** For each rule, files that break it (marked by what is said of them) beside files that do not. */
const BROKEN: Record<
  keyof typeof RULES,
  { readonly files: Record<string, string>; readonly said: string[] }
> = {
  'every file has a place in the house': {
    files: { 'utils/strings.ts': '', 'media/time.ts': '', 'app.ts': '' },
    said: ['utils/strings.ts is in no known folder'],
  },
  'imports point downward': {
    files: {
      'storage/a.ts': "import type { B } from '../catalog/b.ts'; import './b.ts'; import '../errors.ts';",
      'storage/b.ts': "import '../media/time.ts'; export const c = () => import('../app.ts');",
      'errors.ts': "export * from './media/time.ts';",
      'media/time.ts': "export type A = import('../server/a.ts').A;",
    },
    said: [
      'errors.ts imports media/time.ts',
      'media/time.ts imports server/a.ts',
      'storage/a.ts imports catalog/b.ts',
      'storage/b.ts imports app.ts',
    ],
  },
  'src imports nothing beside it': {
    files: { 'app.ts': "import '../test/x.ts'; import './config.ts';" },
    said: ['app.ts imports ../test/x.ts'],
  },
  'only main and app know the configuration': {
    files: {
      'config.ts': '',
      'app.ts': "import './config.ts';",
      'server/a.ts': "import type {} from '../config.ts';",
    },
    said: ['server/a.ts imports config.ts'],
  },
  'formats, containers and media are pure': {
    files: {
      'formats/a.ts':
        "import 'node:fs'; import 'zod'; import '../media/b.ts'; const x = { fetch: 1 }; x.fetch;",
      'containers/a.ts':
        'export const t = Date.now(); export const u = new Date(); export const v = new Date(t);',
      'media/b.ts':
        "import 'kysely'; export const go = () => fetch('x'); type Buffer = 1; export type X = Buffer;",
      'server/a.ts': "import 'node:fs'; process.exit();",
    },
    said: [
      'containers/a.ts uses Date.now',
      'containers/a.ts uses new Date()',
      'formats/a.ts imports node:fs',
      'media/b.ts imports kysely',
      'media/b.ts uses fetch',
    ],
  },
  'only app names concrete adapters': {
    files: {
      'storage/disk.ts': "import './disk-paths.ts';",
      'storage/disk-paths.ts': "import 'node:fs';",
      'storage/object-store.ts': "import '../media/byte-range.ts';",
      'media/byte-range.ts': '',
      'app.ts': "import './storage/disk.ts';",
      'pipeline/a.ts': "import '../storage/disk.ts'; import '../storage/object-store.ts';",
    },
    said: ['pipeline/a.ts imports storage/disk.ts'],
  },
  'only adapters speak to PostgreSQL': {
    files: {
      'postgres/pool.ts': "import pg from 'pg';",
      'catalog/postgres.ts': "import '../postgres/pool.ts'; import 'kysely';",
      'app.ts': "import './postgres/pool.ts';",
      'pipeline/a.ts': "import pg from 'pg';",
      'server/b.ts': "import '../postgres/pool.ts';",
    },
    said: ['pipeline/a.ts imports pg', 'server/b.ts imports postgres/pool.ts'],
  },
  'HTTP is spoken in server, and in remote': {
    files: {
      'server/a.ts': 'reply.code(404);',
      'remote/a.ts': 'const gone = 410;',
      'pipeline/a.ts': 'reply.code(1); x.status(2); const y = error.code;',
      'readers/a.ts': "import 'node:http'; export const status = 404; const width = 480;",
      'media/a.ts': 'const width = 416;',
    },
    said: [
      'pipeline/a.ts calls .code()',
      'pipeline/a.ts calls .status()',
      'readers/a.ts has the status code 404',
      'readers/a.ts imports node:http',
    ],
  },
  'the environment is read by config, handed over by main': {
    files: {
      'main.ts': 'process.env;',
      'engine/a.ts': 'process.env.HOME; process.pid;',
      'server/a.ts': 'x.env;',
    },
    said: ['engine/a.ts reads process.env'],
  },
  'whatever is exported is documented': {
    files: {
      'app.ts': [
        "/** About the file. */\nimport './errors.ts';",
        'export function bare() {}',
        '/** Said. */\nexport function said() {}',
        '// Not a doc comment.\nexport type Plain = 1;',
        'export type Fields = {\n/** Said. */\n a: 1 };',
        'export const SELF_EXPLAINING = 1;',
        'function inner() {}',
        'export class C {}',
      ].join('\n'),
    },
    said: [
      'app.ts: C has no doc comment',
      'app.ts: Plain has no doc comment',
      'app.ts: bare has no doc comment',
    ],
  },
  'no file has more than 450 lines': {
    files: { 'app.ts': 'f();\n'.repeat(451), 'main.ts': 'f();\n'.repeat(450) },
    said: ['app.ts has 451 lines'],
  },
};

describe('the house rules', () => {
  const modules = readModules(fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, ''));

  test('are held against the whole house', () => {
    const paths = new Set(modules.map(({ path }) => path));
    for (const path of ['errors.ts', 'config.ts', 'storage/file-system.ts', 'media/time.ts']) {
      assert.ok(paths.has(path), `${path} was not read`);
    }
  });

  for (const [name, rule] of Object.entries(RULES)) {
    test(name, () => assert.deepEqual(rule(modules), []));
  }
});

describe('the house rules find what breaks them', () => {
  test('each has an example', () => assert.deepEqual(Object.keys(BROKEN), Object.keys(RULES)));

  for (const [name, { files, said }] of Object.entries(BROKEN)) {
    test(name, () => {
      const sources = Object.entries(files).map(([path, content]) => [`/house/src/${path}`, content]);
      const config = JSON.stringify({ compilerOptions: { noLib: true, types: [] }, include: ['src'] });
      const disk = createVirtualFileSystem({
        '/house/tsconfig.json': config,
        ...Object.fromEntries(sources),
      });
      const found = RULES[name]?.(readModules('/house', disk)) ?? [];
      assert.deepEqual(found.toSorted(), said);
    });
  }
});
