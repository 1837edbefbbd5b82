// Record sets in memory to a rolled-up index, on one thread: walk, parse, look up, roll up; the checksum
// on demand.

import { type BenchCase, type CaseParams, measured } from '../case.ts';
import { indexAnswer } from '../group-hash.ts';
import { recordSets, SetIndexer } from '../record-sets.ts';

/** Opens the case. */
export function open(params: CaseParams): Promise<BenchCase> {
  const sets = recordSets(params);
  const indexer = new SetIndexer(params);
  return Promise.resolve({
    async pass() {
      const { value: data, ...times } = await measured(() => indexer.index(sets));
      return { ...times, answer: indexAnswer(data, params.dimensions) };
    },
    close: () => Promise.resolve(),
  });
}
