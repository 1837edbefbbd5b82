// `npm test`: the stages in order, each with its time, up to the first that fails. Words after it name the stages to
// run (`npm test -- check unit`); without any those on Kubernetes are left out, which `npm run test:all` runs too. A stage that mostly waits runs beside the one after it; what it prints comes when it has
// ended. The last line tells how many tests passed and failed, over all runs of vitest.

import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Stage {
  readonly name: string;
  /** Words that select it. */
  readonly groups: readonly string[];
  readonly command: readonly string[];
  /** True when its tests are counted from vitest's report. */
  readonly isCounted?: boolean;
  /** True when the next stage need not wait for it. */
  readonly isBeside?: boolean;
  /** Set for the command. */
  readonly env?: Readonly<Record<string, string>>;
}

const E2E = ['vitest', 'run', '--config', 'vitest.e2e.config.ts'] as const;

const STAGES: readonly Stage[] = [
  { name: 'types', groups: ['check'], command: ['tsc', '--noEmit'] },
  { name: 'lint', groups: ['check'], command: ['oxlint', '--type-aware', '--deny-warnings'] },
  { name: 'format', groups: ['check'], command: ['oxfmt', '--check', '.'] },
  {
    name: 'unit, contract, golden',
    groups: ['unit'],
    command: ['vitest', 'run'],
    isCounted: true,
    env: { SLUICE_TEST_SHARED: 'true' },
  },
  {
    name: 'end to end, alone',
    groups: ['e2e'],
    command: E2E,
    isCounted: true,
    env: { SLUICE_TEST_SUITES: 'alone' },
  },
  {
    name: 'end to end, data path',
    groups: ['e2e', 'faults'],
    command: E2E,
    isCounted: true,
    env: { SLUICE_TEST_SUITES: 'data path' },
  },
  {
    name: 'Kubernetes, a real node',
    groups: ['kubernetes', 'cluster'],
    command: ['node', 'test/kube/in-namespace.ts', 'node', ...E2E],
    isCounted: true,
    isBeside: true,
    env: { SLUICE_TEST_SUITES: 'node' },
  },
  {
    name: 'Kubernetes, the operator',
    groups: ['kubernetes', 'operator'],
    command: ['node', 'test/kube/in-namespace.ts', 'operator', ...E2E],
    isCounted: true,
    env: { SLUICE_TEST_SUITES: 'operator' },
  },
];

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** The part of vitest's JSON report that is read. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
}

async function main(words: readonly string[]): Promise<number> {
  const isChosen = ({ groups }: Stage): boolean =>
    words.length === 0
      ? !groups.includes('kubernetes')
      : groups.some((group) => words.includes(group)) || words.includes('all');
  const unknown = words.filter(
    (word) => word !== 'all' && !STAGES.some(({ groups }) => groups.includes(word)),
  );
  if (unknown.length > 0) {
    const known = [...new Set(['all', ...STAGES.flatMap(({ groups }) => groups)])].join(', ');
    console.error(`npm test: no stage '${unknown.join("', '")}'; use ${known}`);
    return 2;
  }
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  const times: string[] = [];
  const reports = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  let isGood = true;
  const chosen = STAGES.filter(isChosen);
  const run = async (stage: Stage, isBeside: boolean): Promise<void> => {
    const startMs = performance.now();
    const report = join(reports, `${STAGES.indexOf(stage)}.json`);
    const { exit, printed } = await runStage(stage, report, isBeside);
    if (printed.length > 0) console.log(`\n== ${stage.name}\n${printed}`);
    if (stage.isCounted === true) count(report, counts);
    const outcome = exit === 0 ? 'ok' : `failed with exit code ${exit}`;
    times.push(`${stage.name}: ${outcome}, ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
    if (exit !== 0) isGood = false;
  };
  const beside: Promise<void>[] = [];
  for (const [i, stage] of chosen.entries()) {
    const isBeside = stage.isBeside === true && i + 1 < chosen.length;
    console.log(`\n== ${stage.name}${isBeside ? ', beside the next' : ''}`);
    if (isBeside) beside.push(run(stage, true));
    else await run(stage, false);
    if (!isGood) break;
  }
  await Promise.all(beside);
  rmSync(reports, { recursive: true, force: true });
  console.log(`\n${times.join('\n')}`);
  if (words.length === 0) console.log('those on Kubernetes were left out: npm run test:all');
  if (counts.skipped > 0) console.log(`${counts.skipped} skipped, with the reason above`);
  // A stage that failed without a failing test (types, a crash) is a failure too.
  const failed = isGood ? counts.failed : Math.max(1, counts.failed);
  console.log(`${counts.passed} passed, ${failed} failed`);
  return isGood && counts.failed === 0 ? 0 : 1;
}

interface Ended {
  readonly exit: number;
  /** What was held back; empty when it went to the terminal at once. */
  readonly printed: string;
}

function runStage(
  { command, isCounted, env }: Stage,
  report: string,
  isBeside: boolean,
): Promise<Ended> {
  const [program = '', ...args] = command;
  const reporting =
    isCounted === true
      ? ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
      : [];
  const bin = join(ROOT, 'node_modules', '.bin');
  const path = `${bin}${delimiter}${process.env['PATH'] ?? ''}`;
  // A file, not a pipe: what outlives the stage must not hold it up.
  const file = `${report}.out`;
  const held = isBeside ? openSync(file, 'w') : undefined;
  return new Promise((resolve) => {
    const child = spawn(join(bin, program), [...args, ...reporting], {
      cwd: ROOT,
      stdio: held === undefined ? 'inherit' : ['ignore', held, held],
      env: { ...process.env, ...env, PATH: path },
      shell: process.platform === 'win32',
    });
    const end = (exit: number): void => {
      if (held !== undefined) closeSync(held);
      resolve({ exit, printed: held === undefined ? '' : readFileSync(file, 'utf8') });
    };
    child.on('error', (error) => {
      console.error(`${program}: ${error.message}; run npm ci first`);
      end(1);
    });
    child.on('exit', (code, signal) => end(code ?? (signal === null ? 1 : 128)));
  });
}

function count(file: string, counts: Counts): void {
  let report: Report;
  try {
    report = JSON.parse(readFileSync(file, 'utf8')) as Report;
  } catch {
    // vitest ended before it could report; its exit code says so.
    return;
  }
  counts.passed += report.numPassedTests;
  counts.failed += report.numFailedTests;
  counts.skipped += report.numPendingTests;
}

process.exitCode = await main(process.argv.slice(2));
