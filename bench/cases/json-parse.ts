// Reference of the parse benchmark: JSON.parse of each row's text, and the sums, nothing kept.

import { type BenchCase, type CaseParams, measured } from '../case.ts';
import { rowBlock, SUMS } from '../wikipedia-rows.ts';

/** A row as far as it is looked at. */
type Row = Readonly<Record<string, number>>;

/** Opens the case. */
export function open(params: CaseParams): Promise<BenchCase> {
  const { bytes, starts } = rowBlock(params);
  const parseAll = (): number[] => {
    const sums = SUMS.map(() => 0);
    for (let i = 0; i < params.rows; i++) {
      const row = JSON.parse(bytes.toString('utf8', starts[i], starts[i + 1])) as Row;
      for (let s = 0; s < sums.length; s++) sums[s] = (sums[s] ?? 0) + (row[SUMS[s] ?? ''] ?? 0);
    }
    return sums;
  };
  return Promise.resolve({
    async pass() {
      const { value: sums, ...times } = await measured(parseAll);
      return { ...times, answer: { rows: params.rows, sums } };
    },
    close: () => Promise.resolve(),
  });
}
