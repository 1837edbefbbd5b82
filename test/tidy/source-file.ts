// One TypeScript file as the checks see it: its imports, exports and syntax tree. Parsed once, read by every check.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'oxc-parser';

/** The folder of the checkout, with a slash at its end. */
export const ROOT: string = fileURLToPath(new URL('../../', import.meta.url));

/** A node of the syntax tree. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/** One import, re-export, dynamic import, type import or URL of a thread. */
export interface Import {
  /** A path from the root for files of ours, else the name of a package or `node:` module. */
  readonly from: string;
  readonly isOurs: boolean;
  /** Names taken; `*` = any of them. */
  readonly names: readonly string[];
}

/** One exported name. */
export interface Export {
  readonly name: string;
  readonly isType: boolean;
}

/** A parsed file. */
export interface SourceFile {
  /** From the root, with slashes. */
  readonly path: string;
  readonly text: string;
  readonly program: SyntaxNode;
  readonly imports: readonly Import[];
  /** Names declared here; re-exports are imports and `reexports`. */
  readonly exports: readonly Export[];
}

const SKIPPED = new Set([
  'node_modules',
  '.git',
  '.sluice',
  'dist',
  'coverage',
  'golden',
  'target',
]);

/** Every file of the checkout whose name ends in one of `endings`, sorted, paths from the root. */
export function listFiles(...endings: string[]): string[] {
  const found: string[] = [];
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory() && !SKIPPED.has(entry.name)) walk(path);
      else if (entry.isFile() && endings.some((ending) => path.endsWith(ending))) found.push(path);
    }
  };
  walk('');
  return found.toSorted();
}

/** Reads and parses every TypeScript and JavaScript file. */
export function readSources(): SourceFile[] {
  return listFiles('.ts', '.mjs').map((path) =>
    parseSource(path, readFileSync(join(ROOT, path), 'utf8')),
  );
}

/** Parses a text as the file `path`. @throws Error when it does not parse */
export function parseSource(path: string, text: string): SourceFile {
  const parsed = parseSync(path, text);
  const [error] = parsed.errors;
  if (error !== undefined) throw new Error(`${path}: ${error.message}`);
  // ESTree nodes all have type, start and end; the checks look for the few kinds they name.
  const program = parsed.program as unknown as SyntaxNode;
  const resolve = (request: string, names: readonly string[]): Import => {
    const isOurs = request.startsWith('.');
    const from = isOurs ? posix.normalize(posix.join(dirname(path), request)) : packageOf(request);
    return { from, isOurs, names };
  };
  const imports: Import[] = [];
  for (const { moduleRequest, entries } of parsed.module.staticImports) {
    const names = entries.map(({ importName }) =>
      importName.kind === 'Name'
        ? (importName.name ?? '*')
        : importName.kind === 'Default'
          ? 'default'
          : '*',
    );
    imports.push(resolve(moduleRequest.value, names));
  }
  const exports: Export[] = [];
  for (const { entries } of parsed.module.staticExports) {
    for (const { moduleRequest, importName, exportName, isType } of entries) {
      const name = exportName.kind === 'Default' ? 'default' : exportName.name;
      if (moduleRequest !== null)
        imports.push(resolve(moduleRequest.value, [importName.name ?? '*']));
      if (name !== null) exports.push({ name, isType });
    }
  }
  for (const node of nodesOf(program)) {
    const request = requestOf(node);
    if (request !== undefined) imports.push(resolve(request, ['*']));
  }
  return { path, text, program, imports, exports };
}

/** All nodes in source order. */
export function* nodesOf(node: SyntaxNode): Generator<SyntaxNode> {
  yield node;
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) yield* nodesOf(child);
    }
  }
}

/** True for nodes, of `type` if given. */
export function isNode(value: unknown, type?: string): value is SyntaxNode {
  if (typeof value !== 'object' || value === null || !('type' in value)) return false;
  return typeof value.type === 'string' && (type === undefined || value.type === type);
}

/** The value of a text literal, or undefined. */
export function literalOf(node: unknown): string | undefined {
  return isNode(node, 'Literal') && typeof node['value'] === 'string' ? node['value'] : undefined;
}

/** Line number of an offset, from 1. */
export function lineOf({ text }: SourceFile, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

/** True for tests and what only tests use. */
export function isTestCode(path: string): boolean {
  return /^(test|bench)\/|\.test\.ts$|\.contract\.ts$|^vitest[\w.]*\.config\.ts$/.test(path);
}

/** What a dynamic import, a type import or `new URL('./x.ts', import.meta.url)` names. */
function requestOf(node: SyntaxNode): string | undefined {
  if (node.type === 'ImportExpression' || node.type === 'TSImportType')
    return literalOf(node['source']) ?? literalOf(node['argument']);
  if (node.type !== 'NewExpression') return undefined;
  const callee = node['callee'];
  if (!isNode(callee, 'Identifier') || callee['name'] !== 'URL') return undefined;
  const [target] = node['arguments'] as unknown[];
  const text = literalOf(target);
  if (text === undefined || !/\.(ts|mjs)$/.test(text)) return undefined;
  return text.startsWith('.') ? text : `./${text}`;
}

function packageOf(request: string): string {
  const parts = request.split('/');
  return parts.slice(0, request.startsWith('@') ? 2 : 1).join('/');
}
