// House rules that linters do not hold, over the whole tree. Each message names the rule and what to do instead.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { generatedFiles } from '../../cli/generate.ts';
import { contractProblems } from './contracts.ts';
import { deadExports, deadFiles } from './dead-code.ts';
import {
  codeProblems,
  codesOf,
  dependencyProblems,
  documentedCodes,
  documentedDependencies,
  linkProblems,
} from './documents.ts';
import { globalProblems, lengthProblems, nameProblems } from './file-rules.ts';
import { ADAPTERS, cycles, importProblems, PACKAGE_FOLDERS } from './import-direction.ts';
import { listFiles, readSources, ROOT, type SourceFile } from './source-file.ts';

interface PackageJson {
  readonly version: string;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

const packageJson = JSON.parse(read('package.json')) as PackageJson;
let sources: readonly SourceFile[];

beforeAll(() => {
  sources = readSources();
  expect(sources.length).toBeGreaterThan(300);
});

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

describe('code', () => {
  test('imports follow the direction, packages stay in their folder', () => {
    expect(importProblems(sources)).toEqual([]);
  });

  test('imports have no cycle', () => {
    expect(cycles(sources)).toEqual([]);
  });

  test('clock, chance, environment and console stay in core/runtime and composition roots', () => {
    expect(globalProblems(sources)).toEqual([]);
  });

  test('files are short and named in kebab-case', () => {
    expect(lengthProblems(sources)).toEqual([]);
    expect(nameProblems(sources.map(({ path }) => path))).toEqual([]);
  });

  test('no export and no file without a user', () => {
    // The stages of `npm test` are started by name too.
    const scripts = [...Object.values(packageJson.scripts), read('test/run.ts')].flatMap(
      (script) => script.match(/[\w/-]+\.(?:ts|mjs)\b/g) ?? [],
    );
    expect(scripts).toContain('cli/sluice.mjs');
    expect(deadExports(sources)).toEqual([]);
    expect(deadFiles(sources, scripts)).toEqual([]);
  });

  test('every adapter runs the contract of its port', () => {
    const { problems, checked } = contractProblems(sources, ADAPTERS);
    expect(problems).toEqual([]);
    expect(checked).toBeGreaterThanOrEqual(6);
  });
});

describe('documents', () => {
  test('generated files equal what the code renders', async () => {
    const files = await generatedFiles();
    const stale = [...files].filter(([path, text]) => read(path) !== text).map(([path]) => path);
    expect(stale, 'run npm run generate').toEqual([]);
    expect(files.size).toBe(9);
    const known = [...files.keys()];
    const inFolders = listFiles('').filter((path) =>
      /(^|\/)(generated|crds|reference)\//.test(path),
    );
    expect(
      inFolders.filter((path) => !known.includes(path)),
      'nothing generates these',
    ).toEqual([]);
  });

  test('links and named paths exist', () => {
    const pages = listFiles('.md');
    expect(pages.length).toBeGreaterThan(8);
    expect(pages.flatMap((path) => linkProblems(path, read(path)))).toEqual([]);
  });

  test('docs/errors.md lists the failures and reasons of the code, no more', () => {
    const documented = documentedCodes(read('docs/errors.md'));
    expect(documented.size).toBeGreaterThan(70);
    expect(codeProblems(codesOf(sources), documented)).toEqual([]);
  });

  test('docs/operator.md names tests of behaviours that exist, for each behaviour', () => {
    const page = read('docs/operator.md');
    const suites = listFiles('.e2e.test.ts').filter((path) =>
      path.startsWith('test/e2e/operator/'),
    );
    const titles = suites.map(read).join('\n');
    const rows = [...page.matchAll(/^\| (B\d+) \| (B\d.*?) \| /gm)];
    const behaviours = [...page.matchAll(/^\| (B\d+(?:, B\d+)*) \| [^B]/gm)];
    expect(rows.map(([, name]) => name)).toEqual(
      behaviours.flatMap(([, names = '']) => names.split(', ')),
    );
    expect(rows).toHaveLength(24);
    const named = rows.flatMap(([, , tests = '']) => tests.split(/; (?=B\d)/));
    expect(named.filter((name) => !titles.includes(name))).toEqual([]);
  });

  test('docs/dependencies.md lists exactly the packages used, with licence and reason', () => {
    const require = createRequire(join(ROOT, 'package.json'));
    const { dependencies, devDependencies, optionalDependencies } = packageJson;
    const always = Object.entries({ ...dependencies, ...devDependencies }).map(
      ([name, version]) => {
        const installed = JSON.parse(read(`node_modules/${name}/package.json`)) as {
          readonly version: string;
          readonly license: string;
        };
        expect(installed.version, name).toBe(version);
        return { name, version, licence: installed.license };
      },
    );
    // Of these npm installs the one that fits the machine; all are Node.js itself.
    const node = Object.entries(optionalDependencies).map(([name, version]) => ({
      name,
      version,
      licence: 'MIT',
    }));
    expect(require.resolve('zod')).toContain('node_modules');
    const permitted = documentedDependencies(read('docs/dependencies.md'));
    expect(dependencyProblems([...always, ...node], permitted)).toEqual([]);
  });

  test('packages of production are imported, and nothing else is', () => {
    const imported = new Set(
      sources.flatMap(({ imports }) => imports.filter((i) => !i.isOurs).map((i) => i.from)),
    );
    const unused = Object.keys(packageJson.dependencies).filter((name) => !imported.has(name));
    expect(unused.filter((name) => name !== '@kubernetes/client-node')).toEqual([]);
    const placed = Object.keys(PACKAGE_FOLDERS).filter((name) => name !== 'assemblyscript');
    expect(placed.filter((name) => !(name in packageJson.dependencies))).toEqual([]);
  });
});
