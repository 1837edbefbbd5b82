// Record sets in memory to an index, against JSON.parse of the same rows: 12 dimensions that do not roll up, and 5 that do
// (performance.md 9, first two goals). One thread each.

import type { BenchParams } from './params.ts';
import type { Report } from './report.ts';
import { ratioOf } from './report.ts';
import { type CaseResult, runRounds } from './rounds.ts';
import { DIMENSIONS, FEW_DIMENSIONS, rowBlock } from './wikipedia-rows.ts';

/** Runs it. */
export async function run(params: BenchParams): Promise<Report> {
  const { seed, rows, rounds } = params;
  const [reference, twelve, five] = (await runRounds(
    [
      { name: 'JSON.parse', case: 'jsonParse', params: { seed, rows, dimensions: [] } },
      {
        name: 'index, 12 dimensions',
        case: 'indexRecords',
        params: { seed, rows, dimensions: DIMENSIONS, checkCrc: false },
      },
      {
        name: 'index, 5 dimensions',
        case: 'indexRecords',
        params: { seed, rows, dimensions: FEW_DIMENSIONS, checkCrc: false },
      },
    ],
    rounds,
  )) as [CaseResult, CaseResult, CaseResult];
  return {
    name: 'parse',
    seed,
    dataHash: rowBlock(params).hash,
    cases: [reference, twelve, five],
    verdicts: [
      { goal: '12 dimensions to JSON.parse', got: ratioOf(reference, twelve), floor: 1.2 },
      { goal: '5 dimensions to JSON.parse', got: ratioOf(reference, five), floor: 3 },
    ],
    notes: [`rounds=${rounds}, three warm-up passes, CRC-32C not checked, batches of 1 MiB`],
  };
}
