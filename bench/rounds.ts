// Cases side by side: each in its own process, a few warm-up passes, then rounds in which every case makes one pass, the order
// turning from round to round. Answers must agree. Fed by the benchmarks; feeds the report.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { CaseName, CaseParams, Pass } from './case.ts';
import type { PassMessage } from './case-process.ts';

/** V8 optimizes, learns better and optimizes again during the first two. */
const WARM_UP_PASSES = 3;

/** One case of a benchmark. */
export interface CaseSpec {
  readonly name: string;
  readonly case: CaseName;
  readonly params: CaseParams;
}

/** Minimum, median and maximum over the rounds. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** What was measured of a case. */
export interface CaseResult {
  readonly name: string;
  readonly rows: number;
  readonly dimensions: readonly string[];
  /** Nanoseconds of processor time a row. */
  readonly cpuNs: Spread;
  readonly wallNs: Spread;
  readonly collections: Spread;
  readonly peakRssMb: number;
  readonly answer: Pass['answer'];
  /** Processor time a row in each round, in the order of the rounds. */
  readonly rounds: readonly number[];
}

/** Runs the cases. @throws Error when two cases answer differently, or a process ends */
export async function runRounds(cases: readonly CaseSpec[], rounds: number): Promise<CaseResult[]> {
  const processes: CaseRunner[] = [];
  try {
    for (const spec of cases) {
      const runner = new CaseRunner(spec);
      processes.push(runner);
      await runner.open();
      for (let i = 0; i < WARM_UP_PASSES; i++) await runner.pass(false);
    }
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < processes.length; i++)
        await processes[(i + round) % processes.length]?.pass(true);
    }
  } finally {
    for (const runner of processes) runner.close();
  }
  const results = processes.map((runner) => runner.result());
  checkAnswers(results);
  return results;
}

/** Rows and sums are those of all; groups only where the same dimensions make them. */
function checkAnswers(results: readonly CaseResult[]): void {
  for (const a of results) {
    for (const b of results) {
      const isSame =
        a.answer.rows === b.answer.rows &&
        a.answer.sums.join() === b.answer.sums.join() &&
        (a.dimensions.join() !== b.dimensions.join() || a.answer.groups === b.answer.groups);
      if (!isSame)
        throw new Error(
          `${a.name} answers ${JSON.stringify(a.answer)}, ${b.name} ${JSON.stringify(b.answer)}`,
        );
    }
  }
}

class CaseRunner {
  readonly #spec: CaseSpec;
  readonly #child: ChildProcess;
  readonly #passes: { readonly pass: Pass; readonly collections: number }[] = [];
  #peakRssMb = 0;
  #answer: Pass['answer'] | undefined;

  constructor(spec: CaseSpec) {
    this.#spec = spec;
    this.#child = fork(
      fileURLToPath(new URL('./case-process.ts', import.meta.url)),
      [spec.case, JSON.stringify(spec.params)],
      // Flags of the starter (a test runner's, say) are not for the measured process.
      { execArgv: [] },
    );
  }

  async open(): Promise<void> {
    await this.#answered();
  }

  async pass(isCounted: boolean): Promise<void> {
    const answered = this.#answered();
    this.#child.send('pass');
    const { pass, collections, peakRssMb } = await answered;
    if (pass === null) throw new Error(`${this.#spec.name}: no pass`);
    this.#peakRssMb = peakRssMb;
    const before = JSON.stringify(this.#answer ?? pass.answer);
    if (JSON.stringify(pass.answer) !== before)
      throw new Error(`${this.#spec.name} answers differently from pass to pass`);
    this.#answer = pass.answer;
    if (isCounted) this.#passes.push({ pass, collections });
  }

  close(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  result(): CaseResult {
    const { name, params } = this.#spec;
    if (this.#answer === undefined) throw new Error(`${name}: no pass`);
    const rounds = this.#passes.map(({ pass }) => (pass.cpuMs * 1e6) / params.rows);
    return {
      name,
      rows: params.rows,
      dimensions: params.dimensions,
      cpuNs: spread(rounds),
      wallNs: spread(this.#passes.map(({ pass }) => (pass.wallMs * 1e6) / params.rows)),
      collections: spread(this.#passes.map((p) => p.collections)),
      peakRssMb: this.#peakRssMb,
      answer: this.#answer,
      rounds,
    };
  }

  async #answered(): Promise<PassMessage> {
    const ended = new AbortController();
    try {
      const [message] = (await Promise.race([
        once(this.#child, 'message', { signal: ended.signal }),
        once(this.#child, 'exit', { signal: ended.signal }).then(([code]) => {
          throw new Error(`${this.#spec.name} ended with code ${String(code)}`);
        }),
      ])) as [PassMessage];
      return message;
    } finally {
      ended.abort();
    }
  }
}

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (i: number): number => sorted[i] ?? Number.NaN;
  return { min: at(0), median: at(sorted.length >> 1), max: at(sorted.length - 1) };
}
