/** What the house rules need to know of each source file, read from its syntax tree. */
import { posix } from 'node:path';
import { API } from 'typescript/unstable/sync';
import {
  type Node,
  SyntaxKind,
  isCallExpression,
  isExportDeclaration,
  isIdentifier,
  isImportDeclaration,
  isImportTypeNode,
  isLiteralTypeNode,
  isNewExpression,
  isNumericLiteral,
  isPropertyAccessExpression,
  isStringLiteral,
  isTypeAliasDeclaration,
  isVariableStatement,
  type SourceFile,
} from 'typescript/unstable/ast';
import type { FileSystem } from 'typescript/unstable/fs';

export type Module = {
  /** Below src/: `storage/prefix.ts`. */
  readonly path: string;
  readonly lines: number;
  /** What it imports, types included: files below src/ as their path there, everything else as it is written. */
  readonly imports: readonly string[];
  /** What it names where a value is meant: `process`, `process.env`, `Date.now`, and `new Date()` without arguments. */
  readonly uses: ReadonlySet<string>;
  /** Methods that it calls on something: `code` for `reply.code(404)`. */
  readonly methods: ReadonlySet<string>;
  readonly numbers: ReadonlySet<number>;
  /** Exported functions, classes and types that no doc comment explains: for a type, one on a member will do. */
  readonly undocumented: readonly string[];
};

/** Every module below src/ of the project in `root`. `files` stands in for the disk. */
export function readModules(root: string, files?: FileSystem): readonly Module[] {
  const api = new API({ cwd: root, ...(files === undefined ? {} : { fs: files }) });
  try {
    const snapshot = api.updateSnapshot({ openProjects: [posix.join(root, 'tsconfig.json')] });
    const source = posix.join(root, 'src/');
    return snapshot.getProjects().flatMap(({ program }) =>
      program
        .getSourceFileNames()
        .filter((name) => name.startsWith(source))
        .flatMap((name) => program.getSourceFile(name) ?? [])
        .map((file) => moduleOf(file, source)),
    );
  } finally {
    api.close();
  }
}

function moduleOf(file: SourceFile, source: string): Module {
  const path = file.fileName.slice(source.length);
  const imports: string[] = [];
  const uses = new Set<string>();
  const methods = new Set<string>();
  const numbers = new Set<number>();
  const visit = (node: Node): void => {
    const specifier = importedFrom(node);
    if (specifier !== undefined) imports.push(resolveImport(path, specifier));
    if (isIdentifier(node) && isValue(node)) uses.add(node.text);
    if (isPropertyAccessExpression(node) && isIdentifier(node.expression)) {
      uses.add(`${node.expression.text}.${node.name.text}`);
    }
    if (isNewExpression(node) && isIdentifier(node.expression) && !node.arguments?.length) {
      uses.add(`new ${node.expression.text}()`);
    }
    if (isCallExpression(node) && isPropertyAccessExpression(node.expression))
      methods.add(node.expression.name.text);
    if (isNumericLiteral(node)) numbers.add(Number(node.text.replaceAll('_', '')));
    node.forEachChild(visit);
  };
  file.forEachChild(visit);
  return {
    path,
    lines: file.text.trimEnd().split('\n').length,
    imports,
    uses,
    methods,
    numbers,
    undocumented: file.statements
      .filter(isExported)
      .filter((node) => !isDocumented(node, file))
      .map(nameOf),
  };
}

function importedFrom(node: Node): string | undefined {
  if ((isImportDeclaration(node) || isExportDeclaration(node)) && node.moduleSpecifier !== undefined) {
    return textOf(node.moduleSpecifier);
  }
  if (isCallExpression(node) && node.expression.kind === SyntaxKind.ImportKeyword) {
    // An import of something that is computed is beyond these rules, so it is named as what it is.
    return textOf(node.arguments[0]) ?? 'import(computed)';
  }
  if (isImportTypeNode(node) && isLiteralTypeNode(node.argument)) return textOf(node.argument.literal);
  return undefined;
}

function textOf(node: Node | undefined): string | undefined {
  return node !== undefined && isStringLiteral(node) ? node.text : undefined;
}

/** Paths that lead out of src/ keep their `..`. */
function resolveImport(path: string, specifier: string): string {
  return specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier;
}

function isValue(node: Node): boolean {
  const parent = node.parent as Node & Partial<Record<'name' | 'propertyName' | 'typeName', Node>>;
  return parent.name !== node && parent.propertyName !== node && parent.typeName !== node;
}

function isExported(node: Node): boolean {
  if (isVariableStatement(node)) return false;
  const { modifiers } = node as Node & { readonly modifiers?: readonly Node[] };
  return modifiers?.some((modifier) => modifier.kind === SyntaxKind.ExportKeyword) ?? false;
}

function isDocumented(node: Node, file: SourceFile): boolean {
  const before = file.text.slice(node.getFullStart(), node.getStart());
  const isOnMember = isTypeAliasDeclaration(node) && node.getText().includes('/**');
  return isOnMember || /\/\*\*[\s\S]*\*\/\s*$/.test(before);
}

function nameOf(node: Node): string {
  return (
    /^export (?:async )?[a-z* ]*?([\w$]+)\s*[:=(<{]/.exec(node.getText())?.[1] ?? node.getText().slice(0, 40)
  );
}
