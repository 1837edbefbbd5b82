// What a benchmark prints (performance.md 8): the circumstances, a line a case, a verdict a goal, and all of it once more as
// JSON lines to be kept and compared. Fed by the benchmarks; writes to standard output.

import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import type { CaseResult } from './rounds.ts';

/** A goal and what came out. */
export interface Verdict {
  readonly goal: string;
  readonly got: number;
  readonly floor: number;
  /** True when less is better: `floor` is then the most that is allowed. */
  readonly isCeiling?: boolean;
}

/** A finished benchmark. */
export interface Report {
  readonly name: string;
  readonly seed: number;
  readonly dataHash: string;
  readonly cases: readonly CaseResult[];
  readonly verdicts: readonly Verdict[];
  /** Anything else that a reader needs: broker, partitions, batch size, warm-up. */
  readonly notes: readonly string[];
}

/** Median over the rounds of `reference` processor time to that of `measured`; > 1 when `measured` is faster. */
export function ratioOf(reference: CaseResult, measured: CaseResult): number {
  return medianOf(reference.rounds.map((ns, round) => ns / (measured.rounds[round] ?? Number.NaN)));
}

/** The median; NaN of nothing. */
export function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** True when the goal is met. */
export function isMet({ got, floor, isCeiling }: Verdict): boolean {
  return isCeiling === true ? got <= floor : got >= floor;
}

/** Prints a report; true when every goal is met. */
export function printReport(report: Report): boolean {
  const { name, seed, dataHash, cases, verdicts, notes } = report;
  const place = {
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    commit: commit(),
  };
  console.log(
    `benchmark ${name} seed=${seed} data=${dataHash} node=${place.node} commit=${place.commit}\ncpu ${place.cpu}`,
  );
  for (const note of notes) console.log(`note ${note}`);
  const [reference] = cases;
  for (const c of cases) {
    const ratio = reference === undefined ? 1 : ratioOf(reference, c);
    const { cpuNs, wallNs, collections, answer } = c;
    console.log(
      `${c.name}: ${thousands(1e9 / cpuNs.median)} rows per CPU second, ${thousands(1e9 / wallNs.median)} rows/s, ` +
        `${Math.round(cpuNs.median)} ns/row CPU (${Math.round(cpuNs.min)} to ${Math.round(cpuNs.max)}), ratio ${ratio.toFixed(2)}, ` +
        `${collections.median} collections, peak ${Math.round(c.peakRssMb)} MiB, rows ${answer.rows} sums ${answer.sums.join('/')} groups ${answer.groups ?? '-'}`,
    );
  }
  for (const v of verdicts)
    console.log(
      `${isMet(v) ? 'PASS' : 'FAIL'} goal=${v.goal} got=${v.got.toFixed(2)} ${v.isCeiling === true ? 'ceiling' : 'floor'}=${v.floor}`,
    );
  for (const c of cases)
    console.log(JSON.stringify({ benchmark: name, seed, dataHash, ...place, ...c }));
  for (const v of verdicts) console.log(JSON.stringify({ benchmark: name, ...v, met: isMet(v) }));
  return verdicts.every(isMet);
}

function thousands(n: number): string {
  return `${Math.round(n / 1000)}k`;
}

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}
