/** Holds the documents to the tree: links lead somewhere, decisions are listed, files that are named exist. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, test } from 'node:test';

const root = dirname(import.meta.dirname);
const documents = globSync('**/*.md', {
  cwd: root,
  exclude: (name) => /^(node_modules|data|dist)$/.test(name) || name.startsWith('.'),
}).sort();

/** Without blocks of code and code in lines, where brackets mean other things. */
function prose(path: string): string {
  return readFileSync(join(root, path), 'utf8')
    .replaceAll(/^```[\s\S]*?^```/gm, '')
    .replaceAll(/`[^`\n]*`/g, '``');
}

/** As GitHub makes them of headings. */
function anchorsOf(path: string): readonly string[] {
  const text = readFileSync(join(root, path), 'utf8').replaceAll(/^```[\s\S]*?^```/gm, '');
  return Array.from(text.matchAll(/^#+ (.*)$/gm), ([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** What in a document leads nowhere: one sentence each. */
function brokenLinks(path: string): readonly string[] {
  const targets = Array.from(prose(path).matchAll(/\]\(([^)\s]+)\)/g), ([, target = '']) => target);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .flatMap((target) => {
      const [file = '', anchor] = target.split('#');
      const destination = file === '' ? path : normalize(join(dirname(path), decodeURIComponent(file)));
      if (!existsSync(join(root, destination))) return [`${path} links to ${target}, which is not there`];
      const isThere = anchor === undefined || anchorsOf(destination).includes(anchor);
      return isThere ? [] : [`${path} links to ${target}, and there is no such heading`];
    });
}

describe('the documents', () => {
  test('link to what is there', () => {
    assert.ok(documents.includes(join('docs', 'architecture.md')));
    assert.deepEqual(documents.flatMap(brokenLinks), []);
  });

  test('name files that exist', () => {
    const text = readFileSync(join(root, 'docs', 'specifications.md'), 'utf8');
    const named = Array.from(text.matchAll(/\| (src\/\S+) \|$/gm), ([, file = '']) => file);
    assert.ok(named.length > 50, `only ${named.length} files are named`);
    assert.deepEqual(
      named.filter((file) => !existsSync(join(root, file))),
      [],
    );
  });

  test('list every decision, by its number and title', () => {
    const folder = join('docs', 'decisions');
    const index = readFileSync(join(root, folder, 'README.md'), 'utf8');
    const decisions = documents.filter((path) => dirname(path) === folder && !path.endsWith('README.md'));
    const lines = decisions.map((path) => {
      const name = path.slice(folder.length + 1);
      const heading = readFileSync(join(root, path), 'utf8').split('\n')[0] ?? '';
      const [, number, title] = /^# (\d{3})\. (.+)$/.exec(heading) ?? [];
      assert.equal(name.slice(0, 3), number, `${path} begins with "${heading}", expected "# NNN. Title"`);
      return `| [${number}](${name}) | ${title} |`;
    });
    assert.deepEqual(
      lines.filter((line) => !index.includes(line)),
      [],
      'docs/decisions/README.md does not list these',
    );
    const numbers = decisions.map((path) => path.slice(folder.length + 1, folder.length + 4));
    assert.equal(new Set(numbers).size, numbers.length, 'two decisions have one number');
  });

  test('are named by the code as they are called', () => {
    const folder = join(root, 'docs', 'decisions');
    const names = globSync('*.md', { cwd: folder });
    const sources = globSync(['src/**/*.ts', 'web/{src,player}/**/*.{ts,tsx}', 'test/**/*.ts'], {
      cwd: root,
    });
    const wrong = sources.flatMap((path) => {
      const found = readFileSync(join(root, path), 'utf8').matchAll(/docs\/decisions\/(\d[\w-]*)/g);
      return Array.from(found, ([, name = '']) => name)
        .filter((name) => !names.some((file) => file.startsWith(name)))
        .map((name) => `${path} names docs/decisions/${name}`);
    });
    assert.deepEqual(wrong, []);
  });
});
