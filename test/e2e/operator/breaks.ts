// Runs the test of each behaviour twice: as it is, and under the breakage of the behaviour, where it must fail. Prints the
// table and, with --write, puts the figures into docs/operator.md. Usage: node test/e2e/operator/breaks.ts [B1 ...] [--write]

import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startControlPlane } from './control-plane.ts';
import { BREAKABLE } from './breakages.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const DOCUMENT = new URL('../../../docs/operator.md', import.meta.url);
const BEGIN = '<!-- figures: written by test/e2e/operator/breaks.ts -->';
const END = '<!-- end of figures -->';
const TIMEOUT_MS = 300_000;
/** Resources of the run that has many: enough for a herd to show. */
const INGESTIONS = '80';

interface Run {
  readonly passed: number;
  readonly failed: number;
  readonly figures: readonly string[];
  readonly text: string;
}

function vitest(
  behaviour: string,
  files: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Run> {
  const args = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--config',
    'vitest.e2e.config.ts',
    '--reporter=default',
    ...files,
    // `B1:` and `B1,` but not `B10:`.
    '-t',
    `\\b${behaviour}[,:]`,
  ];
  const options = {
    cwd: ROOT,
    timeout: TIMEOUT_MS,
    maxBuffer: 1 << 26,
    env: {
      ...process.env,
      NO_COLOR: '1',
      SLUICE_TEST_INGESTIONS: INGESTIONS,
      ...env,
    },
  };
  return new Promise((resolve) => {
    execFile(process.execPath, args, options, (_, out, err) => {
      const text = out + err;
      const tests = /Tests\s+(.*)/.exec(text)?.[1] ?? '';
      const count = (word: string): number =>
        Number(new RegExp(`(\\d+) ${word}`).exec(tests)?.[1] ?? 0);
      const figures = [...text.matchAll(new RegExp(`^${behaviour} (.+)$`, 'gm'))].map(
        (m) => m[1] ?? '',
      );
      resolve({ passed: count('passed'), failed: count('failed'), figures, text });
    });
  });
}

/** Tests of a behaviour and the files they are in; without the one with real workers, which takes minutes. */
function testsOf(behaviour: string): { readonly names: string[]; readonly files: string[] } {
  const names: string[] = [];
  const files: string[] = [];
  for (const part of ['behaviours', 'faults', 'lifecycle', 'roll', 'scale']) {
    const text = readFileSync(new URL(`${part}.e2e.test.ts`, import.meta.url), 'utf8');
    const found = [...text.matchAll(/\btest\(\s*['"](.+?)['"],/g)]
      .map((m) => m[1] ?? '')
      .filter((name) => new RegExp(`\\b${behaviour}[,:]`).test(name));
    names.push(...found);
    if (found.length > 0) files.push(`test/e2e/operator/${part}.e2e.test.ts`);
  }
  return { names, files };
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean', default: false } },
});
const wanted = positionals.length === 0 ? BREAKABLE : positionals;
const plane = await startControlPlane();
const env = { SLUICE_TEST_KUBECONFIG: plane.kubeconfig };
const rows: string[] = [];
let isGood = true;
try {
  for (const behaviour of wanted) {
    const { names, files } = testsOf(behaviour);
    const whole = await vitest(behaviour, files, env);
    const broken = await vitest(behaviour, files, { ...env, SLUICE_BREAK: behaviour });
    // A run without a test that ran and failed is no proof.
    const isProven = whole.passed > 0 && whole.failed === 0 && broken.failed > 0;
    isGood &&= isProven;
    const verdict = `${whole.passed} passed, broken: ${broken.failed} failed`;
    console.log(
      `${isProven ? 'PROVEN' : 'NOT PROVEN'} ${behaviour}: ${verdict} ${whole.figures.join('; ')}`,
    );
    if (!isProven) console.log((whole.failed > 0 ? whole : broken).text.slice(-3000));
    rows.push(
      `| ${behaviour} | ${names.join('; ')} | ${whole.figures.join('; ') || '-'} | ${verdict} |`,
    );
  }
} finally {
  await plane.stop();
}
if (values.write) {
  const text = readFileSync(DOCUMENT, 'utf8');
  const begin = text.indexOf(BEGIN) + BEGIN.length;
  const end = text.indexOf(END);
  // Rows of behaviours that were not run stay.
  const kept = new Map(
    text
      .slice(begin, end)
      .split('\n')
      .flatMap((row): readonly [string, string][] => {
        const name = /^\| (B\d+) /.exec(row)?.[1];
        return name === undefined ? [] : [[name, row]];
      }),
  );
  for (const [i, name] of wanted.entries()) kept.set(name, rows[i] ?? '');
  const head = '| | tests | figures | proof |\n| --- | --- | --- | --- |';
  const body = BREAKABLE.flatMap((name) => kept.get(name) ?? []).join('\n');
  writeFileSync(DOCUMENT, `${text.slice(0, begin)}\n\n${head}\n${body}\n\n${text.slice(end)}`);
}
process.exit(isGood ? 0 : 1);
