// Documents against the code: links, named paths, the table of failures, the table of dependencies.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import {
  isNode,
  isTestCode,
  literalOf,
  nodesOf,
  ROOT,
  type SourceFile,
  type SyntaxNode,
} from './source-file.ts';

/** A failure or reason: kinds that carry it (none for reasons of conditions) and files. */
export type Codes = ReadonlyMap<string, ReadonlySet<string>>;

/** Links that lead nowhere, and paths in back quotes that do not exist. */
export function linkProblems(
  path: string,
  text: string,
  exists: (path: string) => boolean = pathExists,
): string[] {
  const problems: string[] = [];
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, '');
  for (const [, target = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^(https?:|mailto:)/.test(target)) continue;
    const [file = '', anchor] = target.split('#');
    const full = file === '' ? path : posix.normalize(posix.join(dirname(path), file));
    if (!exists(full)) problems.push(`${path}: link to ${target}, which does not exist`);
    else if (anchor !== undefined && full.endsWith('.md') && !hasAnchor(path, text, full, anchor))
      problems.push(`${path}: link to ${target}: the page has no such heading`);
  }
  for (const [, named = ''] of prose.matchAll(
    /`((?:core|worker|operator|cli|test|bench|docs|crds|examples)\/[\w./-]*)`/g,
  )) {
    if (!exists(named)) problems.push(`${path}: names ${named}, which does not exist`);
  }
  return problems;
}

function pathExists(path: string): boolean {
  return existsSync(join(ROOT, path));
}

function hasAnchor(path: string, text: string, full: string, anchor: string): boolean {
  const page = full === path ? text : readFileSync(join(ROOT, full), 'utf8');
  const headings = [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
  return headings.some(
    (heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^a-z0-9 -]/g, '')
        .replaceAll(' ', '-') === anchor,
  );
}

const CODE = /^[A-Z][a-z0-9]+([A-Z][a-z0-9]*)*$/;

/** Codes of failures with their kinds, and reasons of conditions (kind `reason`), as the code has them. */
export function codesOf(files: readonly SourceFile[]): Codes {
  const codes = new Map<string, Set<string>>();
  const note = (code: string, kind: string): void => {
    if (CODE.test(code)) codes.set(code, (codes.get(code) ?? new Set()).add(kind));
  };
  for (const { path, program } of files) {
    if (isTestCode(path)) continue;
    for (const node of nodesOf(program)) {
      if (node.type === 'NewExpression') {
        const callee = node['callee'];
        if (!isNode(callee, 'Identifier') || callee['name'] !== 'Failure') continue;
        const [kind, code] = node['arguments'] as unknown[];
        if (!isNode(code)) continue;
        for (const inner of nodesOf(code)) {
          const text = literalOf(inner);
          // A kind that is not written out comes from elsewhere, with the code.
          if (text !== undefined) note(text, literalOf(kind) ?? '');
        }
      }
      for (const reason of reasonsOf(node)) note(reason, 'reason');
    }
  }
  return codes;
}

/**
 * Reasons of conditions: literals of a member `reason` or `code`, in a value or in a type, and what follows true or
 * false in a call (`condition('Reading', false, 'TopicMissing', ...)`).
 */
function reasonsOf(node: SyntaxNode): string[] {
  if (node.type === 'CallExpression') {
    const given = node['arguments'] as unknown[];
    const at = given.findIndex((a) => isNode(a, 'Literal') && typeof a['value'] === 'boolean');
    return at < 0 ? [] : literalsIn(given[at + 1]);
  }
  if (node.type !== 'Property' && node.type !== 'TSPropertySignature') return [];
  const key = node['key'];
  if (!isNode(key, 'Identifier') || !['reason', 'code'].includes(String(key['name']))) return [];
  return node.type === 'Property'
    ? [literalOf(node['value']) ?? '']
    : literalsIn(node['typeAnnotation']);
}

function literalsIn(node: unknown): string[] {
  if (!isNode(node)) return [];
  return [...nodesOf(node)].flatMap((inner) => literalOf(inner) ?? []);
}

/** The rows of the tables of docs/errors.md: code -> kind. Reasons have the kind `reason`. */
export function documentedCodes(text: string): ReadonlyMap<string, string> {
  return new Map(
    [...text.matchAll(/^\| (\w+) \| `(\w+)` \|/gm)].map(([, kind = '', code = '']) => [code, kind]),
  );
}

/** Differences between the code's failures and their table. */
export function codeProblems(codes: Codes, documented: ReadonlyMap<string, string>): string[] {
  const problems: string[] = [];
  for (const [code, kinds] of codes) {
    const real = [...kinds].filter((kind) => kind !== '');
    const kind = documented.get(code);
    if (kind === undefined) problems.push(`docs/errors.md lacks ${code} (${real.join(', ')})`);
    const thrown = real.filter((k) => k !== 'reason');
    if (thrown.length > 1)
      problems.push(`${code} is thrown as ${thrown.join(' and ')}; use one kind`);
    if (kind !== undefined && thrown.length === 1 && thrown[0] !== kind)
      problems.push(`docs/errors.md calls ${code} ${kind}, the code ${thrown[0]}`);
  }
  for (const code of documented.keys())
    if (!codes.has(code)) problems.push(`docs/errors.md lists ${code}, which nothing throws`);
  return problems;
}

/** A package as package.json or as docs/dependencies.md tells of it. */
export interface Dependency {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
}

/** The rows of docs/dependencies.md. Every row has a reason. */
export function documentedDependencies(text: string): Dependency[] {
  return [...text.matchAll(/^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \| [^|\s][^|]* \|$/gm)].map(
    ([, name = '', version = '', licence = '']) => ({
      name,
      version: version.trim(),
      licence: licence.trim(),
    }),
  );
}

/** Differences between what is installed and what is permitted. */
export function dependencyProblems(
  installed: readonly Dependency[],
  permitted: readonly Dependency[],
): string[] {
  const line = ({ name, version, licence }: Dependency): string => `${name} ${version} ${licence}`;
  const [a, b] = [new Set(installed.map(line)), new Set(permitted.map(line))];
  return [
    ...[...a].filter((dep) => !b.has(dep)).map((dep) => `docs/dependencies.md lacks ${dep}`),
    ...[...b]
      .filter((dep) => !a.has(dep))
      .map((dep) => `docs/dependencies.md lists ${dep}, which package.json does not`),
  ];
}
