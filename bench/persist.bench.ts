// The cost of persisting a row against that of ingesting it (performance.md 9): they run on two threads, so that persisting
// must not take much longer than indexing.

import type { BenchParams } from './params.ts';
import type { Report } from './report.ts';
import { ratioOf } from './report.ts';
import { type CaseResult, runRounds } from './rounds.ts';
import { DIMENSIONS, rowBlock } from './wikipedia-rows.ts';

/** Runs it. */
export async function run(params: BenchParams): Promise<Report> {
  const { seed, rows, rounds } = params;
  const caseParams = { seed, rows, dimensions: DIMENSIONS };
  const [ingest, persist] = (await runRounds(
    [
      { name: 'ingest', case: 'indexRecords', params: caseParams },
      { name: 'persist', case: 'persistIndex', params: caseParams },
    ],
    rounds,
  )) as [CaseResult, CaseResult];
  return {
    name: 'persist',
    seed,
    dataHash: rowBlock(params).hash,
    cases: [ingest, persist],
    verdicts: [
      {
        goal: 'persist time to ingest time',
        got: 1 / ratioOf(ingest, persist),
        floor: 1.8,
        isCeiling: true,
      },
    ],
    notes: [`rounds=${rounds}, three warm-up passes, 12 dimensions`],
  };
}
