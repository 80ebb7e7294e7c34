// The rules of ARCHITECTURE.md that can be checked by reading the sources: direction of imports, shape, names, docstrings.
// Purity (no clock, socket, console in cores) is the linter's: biome.json lists the files that may.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const PACKAGES = readdirSync(join(ROOT, 'packages'));
const LIBRARIES = ['capture', 'http', 'wire', 'replay', 'cli'];
const MAX_FILE_LINES = 300;
const MAX_FUNCTION_LINES = 40;
const MAX_OPTIONS_LINES = 40;
const FORBIDDEN_NAMES = /^(utils?|helpers?|common|types|misc|manager|impl)$/;

const files = PACKAGES.flatMap((name) => sourceFiles(join(ROOT, 'packages', name, 'src')));
const sources = new Map(
  files.map((file) => [file, ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true)]),
);

describe('imports point one way', () => {
  test.each(LIBRARIES)('the library %s imports none of ours', (library) => {
    const foreign = importsOf(join(ROOT, 'packages', library)).filter(([, name]) => /^(@gor\/|gor(-|$))/.test(name));
    expect(foreign).toEqual([]);
    const inside = [...sources].filter(([file]) => isInside(file, join(ROOT, 'packages', library)));
    const dynamic = inside.filter(([, { text }]) => /(import|require)\w*\)?\(\s*['"`](@gor\/|gor)/.test(text));
    expect(dynamic.map(([file]) => relative(ROOT, file))).toEqual([]);
  });

  test('the programs import the libraries by their names only, never by path', () => {
    const outside = [...sources].flatMap(([file, source]) =>
      specifiersOf(source)
        .filter((name) => name.startsWith('.') && !isInside(resolve(dirname(file), name), packageSource(file)))
        .map((name) => [relative(ROOT, file), name]),
    );
    expect(outside).toEqual([]);
  });

  test('no file imports itself by way of others', () => {
    expect(files.map(cycleFrom).filter((cycle) => cycle !== undefined)).toEqual([]);
  });

  test('the test kit imports no library of ours, so that it stays an independent oracle', () => {
    const kit = sourceFiles(join(ROOT, 'test/kit')).filter((file) => !file.endsWith('.test.ts'));
    const ours = kit.flatMap((file) => specifiersIn(file).filter((name) => /^@gor\/|packages\//.test(name)));
    expect(ours).toEqual([]);
  });
});

describe('each source file', () => {
  test.each(files.map((file) => [relative(ROOT, file), file]))('%s keeps the house rules', (name, file) => {
    const source = sources.get(file)!;
    const lines = source.text.trimEnd().split('\n').length;
    expect(basename(name, '.ts')).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    expect(basename(name, '.ts')).not.toMatch(FORBIDDEN_NAMES);
    expect(lines, 'lines').toBeLessThanOrEqual(MAX_FILE_LINES);
    if (basename(name) === 'options.ts' && isLibrary(file)) {
      expect(codeLines(source), 'lines of code').toBeLessThanOrEqual(MAX_OPTIONS_LINES);
    }
    expect(source.text.startsWith('//'), 'starts with what it does').toBe(true);
    expect(problemsIn(source)).toEqual([]);
  });
});

describe('each package', () => {
  test.each(PACKAGES)('%s says what it exports in an explicit list', (name) => {
    const index = sources.get(join(ROOT, 'packages', name, 'src/index.ts'))!;
    const others = index.statements.filter(
      (statement) => !ts.isExportDeclaration(statement) || statement.exportClause === undefined,
    );
    expect(others.map((statement) => statement.getText())).toEqual([]);
  });

  test.each(PACKAGES)('%s has a README and tests', (name) => {
    expect(existsSync(join(ROOT, 'packages', name, 'README.md'))).toBe(true);
    expect(readdirSync(join(ROOT, 'packages', name, 'test')).some((file) => file.endsWith('.test.ts'))).toBe(true);
  });

  test.each(LIBRARIES)('%s exports these names', async (name) => {
    const exported = Object.keys(await import(`@gor/${name}`)).sort();
    await expect(`${exported.join('\n')}\n`).toMatchFileSnapshot(`exports/${name}.txt`);
  });
});

test('tests run on the sources, not on a build', () => {
  expect(fileURLToPath(import.meta.resolve('@gor/http'))).toBe(join(ROOT, 'packages/http/src/index.ts'));
});

/** Exports without a docstring, default exports, long functions, switched-off checks. */
function problemsIn(source: ts.SourceFile): string[] {
  const problems: string[] = [];
  const visit = (node: ts.Node): void => {
    const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
    if (isExported(node) && ts.getJSDocCommentsAndTags(node).length === 0)
      problems.push(`${line}: export without docstring`);
    if (ts.isExportAssignment(node)) problems.push(`${line}: default export`);
    if (node.kind === ts.SyntaxKind.AnyKeyword) problems.push(`${line}: any`);
    if (ts.isFunctionLike(node) && lineCount(source, node) > MAX_FUNCTION_LINES)
      problems.push(`${line}: function too long`);
    ts.forEachChild(node, visit);
  };
  visit(source);
  if (/@ts-(ignore|expect-error|nocheck)/.test(source.text)) problems.push('a type check is switched off');
  return problems;
}

function isExported(node: ts.Node): boolean {
  if (!ts.canHaveModifiers(node)) return false;
  return ts.getModifiers(node)?.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword) === true;
}

function lineCount(source: ts.SourceFile, node: ts.Node): number {
  const first = source.getLineAndCharacterOfPosition(node.getStart()).line;
  return source.getLineAndCharacterOfPosition(node.getEnd()).line - first + 1;
}

/** Lines that are neither empty nor comment. */
function codeLines(source: ts.SourceFile): number {
  return source.text.split('\n').filter((line) => !/^\s*(\/?\*|\/\/|$)/.test(line)).length;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

function specifiersOf(source: ts.SourceFile): string[] {
  return source.statements.flatMap((statement) => {
    const isImport = ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement);
    const specifier = isImport ? statement.moduleSpecifier : undefined;
    return specifier !== undefined && ts.isStringLiteral(specifier) ? [specifier.text] : [];
  });
}

function specifiersIn(file: string): string[] {
  return specifiersOf(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true));
}

function importsOf(folder: string): [file: string, specifier: string][] {
  return [...sources]
    .filter(([file]) => isInside(file, folder))
    .flatMap(([file, source]) => specifiersOf(source).map((name): [string, string] => [relative(ROOT, file), name]));
}

/** The files on a way from a file back to itself, by imports that stay at run time or not. */
function cycleFrom(start: string): string | undefined {
  const seen = new Set<string>();
  const waiting = [start];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    for (const name of specifiersOf(sources.get(file)!)) {
      if (!name.startsWith('.')) continue;
      const next = resolve(dirname(file), name);
      if (next === start) return `${relative(ROOT, start)} by way of ${relative(ROOT, file)}`;
      if (!seen.has(next) && sources.has(next)) {
        seen.add(next);
        waiting.push(next);
      }
    }
  }
  return undefined;
}

function isLibrary(file: string): boolean {
  return LIBRARIES.some((library) => isInside(file, join(ROOT, 'packages', library)));
}

function packageSource(file: string): string {
  return join(ROOT, relative(ROOT, file).split('/').slice(0, 3).join('/'));
}

function isInside(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`);
}
