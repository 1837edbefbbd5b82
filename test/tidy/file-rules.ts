// Rules that look at one file: its length, its name, and what it takes from the surroundings.

import {
  isNode,
  isTestCode,
  lineOf,
  nodesOf,
  type SourceFile,
  type SyntaxNode,
} from './source-file.ts';

const LINES_MAX = 300;
const TEST_LINES_MAX = 800;

/** Too long files. */
export function lengthProblems(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    if (path.includes('/generated/')) return [];
    const lines = text.trimEnd().split('\n').length;
    const most = isTestCode(path) ? TEST_LINES_MAX : LINES_MAX;
    return lines <= most
      ? []
      : [`${path}: ${lines} lines, at most ${most}; two ideas share it, split them`];
  });
}

/** Names that are not kebab-case nouns. */
export function nameProblems(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    const name = path.split('/').at(-1) ?? '';
    if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*\.(ts|mjs)$/.test(name))
      return [`${path}: write the name in kebab-case`];
    if (/^(utils?|helpers?|common|manager|misc)\./.test(name))
      return [`${path}: name it after what it holds`];
    return [];
  });
}

/** Global -> members that are banned, or all uses of it. */
const BANNED: Readonly<Record<string, readonly string[] | 'all'>> = {
  Date: ['now'],
  Math: ['random'],
  process: ['env'],
  performance: 'all',
  console: 'all',
  setTimeout: 'all',
  setInterval: 'all',
};

/** Uses of the clock, chance, the environment and the console where they do not belong. */
export function globalProblems(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    if (mayUseGlobals(file.path)) return [];
    const timers = file.imports.filter(
      ({ from, names }) => from === 'node:timers' && names.some((name) => name !== 'setImmediate'),
    );
    return [
      ...timers.map(() => `${file.path}: imports node:timers; use Clock.sleep`),
      ...usesOf(file).map(
        ({ what, at }) =>
          `${file.path}:${lineOf(file, at)}: uses ${what}; take a Clock, a Logger or a parameter (core/runtime)`,
      ),
    ];
  });
}

function mayUseGlobals(path: string): boolean {
  return isTestCode(path) || /^(core\/runtime|cli)\/|\/main\.ts$/.test(path);
}

function usesOf(file: SourceFile): { readonly what: string; readonly at: number }[] {
  const found: { what: string; at: number }[] = [];
  for (const node of nodesOf(file.program)) {
    const name = globalOf(node);
    if (name !== undefined && BANNED[name] === 'all') found.push({ what: name, at: node.start });
    if (node.type !== 'MemberExpression') continue;
    const object = node['object'];
    const members = isNode(object, 'Identifier') ? BANNED[String(object['name'])] : undefined;
    const property = node['property'];
    const member = isNode(property, 'Identifier') ? String(property['name']) : '';
    if (Array.isArray(members) && members.includes(member) && isNode(object))
      found.push({ what: `${String(object['name'])}.${member}`, at: node.start });
  }
  return found;
}

/** The name, when the node calls a global or takes a member of it. */
function globalOf(node: SyntaxNode): string | undefined {
  const target =
    node.type === 'CallExpression'
      ? node['callee']
      : node.type === 'MemberExpression'
        ? node['object']
        : undefined;
  if (!isNode(target, 'Identifier')) return undefined;
  const name = String(target['name']);
  return Object.hasOwn(BANNED, name) ? name : undefined;
}
