// The checks themselves, on small trees made here: each finds its defect and lets the neighbour pass.

import { describe, expect, test } from 'vitest';
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
import { ADAPTERS, cycles, importProblems } from './import-direction.ts';
import { parseSource, type SourceFile } from './source-file.ts';

function tree(files: Readonly<Record<string, string>>): SourceFile[] {
  return Object.entries(files).map(([path, text]) => parseSource(path, text));
}

describe('imports', () => {
  test.each([
    ['core/spec/a.ts', '../../worker/index/b.ts', /core\/spec\/ may import/],
    ['core/model/a.ts', '../spec/b.ts', /core\/model\/ may import core\/runtime/],
    ['operator/plan/a.ts', '../../worker/view/view.ts', /operator\/plan\/ may import core/],
    ['worker/query/a.ts', '../segment/reader.ts', /worker\/query\/ may import core/],
    ['worker/publish/a.ts', '../roles/ingest/b.ts', /worker\/publish\/ may import/],
    ['worker/roles/a.ts', '../../core/metadata/etcd/store.ts', /only composition roots import/],
    ['worker/roles/a.ts', '../../cli/main.ts', /worker\/roles\/ may import/],
    ['worker/index/a.ts', './b.test.ts', /only tests import test code/],
    ['worker/index/a.ts', 'kafkajs', /the package belongs to core\/kafka/],
    ['worker/index/a.ts', 'left-pad', /the package has no folder/],
    ['worker/index/a.ts', 'kafkajs/src/broker/index.js', /the package belongs to core\/kafka/],
  ])('%s may not import %s', (path, request, message) => {
    for (const statement of [
      `import { x } from '${request}';`,
      `import type { X } from '${request}';`,
      `export * from '${request}';`,
      `const x = await import('${request}');`,
      `type X = import('${request}').X;`,
    ]) {
      const problems = importProblems(tree({ [path]: statement }));
      expect(problems, statement).toHaveLength(1);
      expect(problems[0]).toMatch(message);
    }
  });

  test.each([
    ['worker/query/a.ts', '../view/view.ts'],
    ['worker/query/parse/a.ts', '../model.ts'],
    ['worker/roles/ingest/index-thread.ts', '../../source/kafka/record-walker.ts'],
    ['core/metadata/etcd/store.ts', '../port.ts'],
    ['cli/connections.ts', '../core/metadata/etcd/store.ts'],
    ['worker/query/a.test.ts', '../segment/reader.ts'],
    ['core/kafka/a.ts', 'kafkajs/src/broker/index.js'],
    ['worker/index/a.ts', 'node:fs'],
  ])('%s may import %s', (path, request) => {
    expect(importProblems(tree({ [path]: `import { x } from '${request}';` }))).toEqual([]);
  });

  test('a cycle is found, over types too; a diamond is none', () => {
    const ring = tree({
      'core/a.ts': "import { b } from './b.ts';",
      'core/b.ts': "import type { C } from './c.ts';",
      'core/c.ts': "export type A = import('./a.ts').A;",
    });
    expect(cycles(ring)).toEqual([
      'core/a.ts -> core/b.ts -> core/c.ts -> core/a.ts; move what both need into a third file',
    ]);
    const diamond = tree({
      'core/a.ts': "import './b.ts'; import './c.ts';",
      'core/b.ts': "import './d.ts';",
      'core/c.ts': "import './d.ts';",
      'core/d.ts': '',
    });
    expect(cycles(diamond)).toEqual([]);
  });
});

describe('file rules', () => {
  test('globals', () => {
    const text = [
      'const a = Date.now();',
      'const b = Math.random() + Math.max(1, 2) + new Date(0).getTime();',
      'setTimeout(() => console.log(process.env["X"]), performance.now());',
      '// Date.now() in a comment',
      'clock.setTimeout(1); const o = { performance: 1 };',
    ].join('\n');
    const found = globalProblems(tree({ 'worker/index/a.ts': text }));
    expect(found.map((line) => /:(\d+): uses ([\w.]+)/.exec(line)?.slice(1).join(' '))).toEqual([
      '1 Date.now',
      '2 Math.random',
      '3 setTimeout',
      '3 console',
      '3 process.env',
      '3 performance',
    ]);
    for (const path of ['core/runtime/a.ts', 'cli/a.ts', 'operator/main.ts', 'test/a.ts'])
      expect(globalProblems(tree({ [path]: text }))).toEqual([]);
    const timers = (name: string): string[] =>
      globalProblems(
        tree({ 'worker/a.ts': `import { ${name} as x } from 'node:timers/promises';` }),
      );
    expect(timers('setTimeout')).toHaveLength(1);
    expect(timers('setImmediate')).toEqual([]);
  });

  test('length and names', () => {
    const lines = (count: number): string => '\n'.repeat(count - 1) + 'x;\n';
    const check = (path: string, count: number): number =>
      lengthProblems(tree({ [path]: lines(count) })).length;
    expect([check('core/a.ts', 300), check('core/a.ts', 301)]).toEqual([0, 1]);
    expect([check('core/a.test.ts', 800), check('core/a.test.ts', 801)]).toEqual([0, 1]);
    expect(check('core/generated/a.ts', 5000)).toBe(0);
    const names = ['a/time-column.ts', 'a/x.e2e.test.ts', 'a/utils.ts', 'a/timeColumn.ts'];
    expect(nameProblems(names)).toEqual([
      'a/utils.ts: name it after what it holds',
      'a/timeColumn.ts: write the name in kebab-case',
    ]);
  });
});

describe('dead code', () => {
  test('exports', () => {
    const files = tree({
      'core/a.ts': [
        'export const used = 1;',
        'export const unused = 2;',
        'export const local = 3; const x = local;',
        'export const examined = 4; const y = examined;',
        'export const onlyTested = 5;',
        'export interface Shape {} export function used2(): Shape { return {}; }',
        'export interface Alone {}',
      ].join('\n'),
      'core/b.ts': "import { used, used2 } from './a.ts';",
      'core/a.test.ts': "import { examined, onlyTested } from './a.ts';",
      'test/builders.ts': 'export const built = 1; export const left = 2;',
      'test/a.test.ts': "import { built } from './builders.ts';",
    });
    expect(deadExports(files).map((line) => /(\w+ \w+) '(\w+)'/.exec(line)?.[0])).toEqual([
      "nobody imports 'unused'",
      "nobody imports 'local'",
      "tests import 'onlyTested'",
      "nobody imports 'Alone'",
      "nobody imports 'left'",
    ]);
  });

  test('files', () => {
    const files = tree({
      'cli/main.ts':
        "import '../core/a.ts'; const t = new URL('../core/thread.ts', import.meta.url);",
      'core/a.ts': '',
      'core/thread.ts': '',
      'core/tested.ts': '',
      'core/lost.ts': '',
      'core/tested.test.ts': "import './tested.ts'; import '../test/builders.ts';",
      'test/builders.ts': '',
      'test/lost.ts': '',
    });
    expect(deadFiles(files, ['cli/main.ts'])).toEqual([
      'core/tested.ts: only tests reach it; delete it',
      'core/lost.ts: nothing reaches it; delete it',
      'test/lost.ts: nothing reaches it; delete it',
    ]);
  });

  test('contracts', () => {
    const files = tree({
      'core/metadata/port.contract.ts': '',
      'core/metadata/etcd/store.ts': '',
      'core/metadata/etcd/store.test.ts': "import { contract } from '../port.contract.ts';",
      'core/metadata/embedded/store.ts': '',
      'core/metadata/embedded/store.test.ts': '',
      'core/deepstorage/local/storage.ts': '',
    });
    expect(contractProblems(files, ADAPTERS)).toEqual({
      problems: ['core/metadata/embedded: no test runs core/metadata/port.contract.ts'],
      checked: 2,
    });
  });
});

describe('documents', () => {
  test('links and paths', () => {
    const exists = (path: string): boolean => ['docs/a.md', 'core/spec/'].includes(path);
    const text = [
      '[a](a.md) [b](b.md) [self](#one-two) [c](#nowhere) [w](https://example.org/x)',
      '# One two',
      '`core/spec/` `core/gone/`',
      '```',
      '[not](a-link.md) `core/none/`',
      '```',
    ].join('\n');
    expect(linkProblems('docs/a.md', text, exists)).toEqual([
      'docs/a.md: link to b.md, which does not exist',
      'docs/a.md: link to #nowhere: the page has no such heading',
      'docs/a.md: names core/gone/, which does not exist',
    ]);
  });

  test('failures and reasons', () => {
    const codes = codesOf(
      tree({
        'core/a.ts': [
          "throw new Failure('config', 'OneThing', 'x');",
          "throw new Failure('input', isX ? 'TwoThings' : 'ThreeThings', 'x');",
          "throw new Failure(kind, code ?? 'FourThings', 'x');",
          "status.condition('Reading', false, 'FiveThings', 'x');",
          "const stop = { reason: 'SixThings', code: 'lowercase' };",
          "interface Stop { readonly reason: 'SevenThings' | 'EightThings' }",
          "const other = { name: 'NineThings' };",
        ].join('\n'),
        'core/a.test.ts': "throw new Failure('bug', 'TestThing', 'x');",
      }),
    );
    expect([...codes].map(([code, kinds]) => `${code} ${[...kinds].join()}`)).toEqual([
      'OneThing config',
      'TwoThings input',
      'ThreeThings input',
      'FourThings ',
      'FiveThings reason',
      'SixThings reason',
      'SevenThings reason',
      'EightThings reason',
    ]);
    const table = [
      '| bug | `OneThing` | m | d |',
      '| input | `TwoThings` | m | d |',
      '| input | `ThreeThings` | m | d |',
      '| transient | `FourThings` | m | d |',
      '| reason | `FiveThings` | m | d |',
      '| reason | `SixThings` | m | d |',
      '| reason | `SevenThings` | m | d |',
      '| reason | `Gone` | m | d |',
    ].join('\n');
    expect(codeProblems(codes, documentedCodes(table))).toEqual([
      'docs/errors.md calls OneThing bug, the code config',
      'docs/errors.md lacks EightThings (reason)',
      'docs/errors.md lists Gone, which nothing throws',
    ]);
  });

  test('dependencies', () => {
    const page = ['| `a` | 1.0.0 | MIT | Why. |', '| `b` | 1.0.0 | MIT |  |'].join('\n');
    const permitted = documentedDependencies(page);
    expect(permitted).toEqual([{ name: 'a', version: '1.0.0', licence: 'MIT' }]);
    const installed = [
      { name: 'a', version: '1.0.1', licence: 'MIT' },
      { name: 'b', version: '1.0.0', licence: 'MIT' },
    ];
    expect(dependencyProblems(installed, permitted)).toEqual([
      'docs/dependencies.md lacks a 1.0.1 MIT',
      'docs/dependencies.md lacks b 1.0.0 MIT',
      'docs/dependencies.md lists a 1.0.0 MIT, which package.json does not',
    ]);
  });
});
