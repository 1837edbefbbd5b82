// An unordered scan over the network: rows are written as they arrive, nothing is held. Fed by the roles' query
// endpoint; the shape of the answer is that of finish-query.ts.

import type { Query } from '../model.ts';
import type { Partial } from '../partial.ts';
import { ScanWriter } from './scan.ts';

/** Chunks of one JSON array, written as partial results come in. Stops asking once the limit is reached. */
export async function* streamScanAnswer(
  query: Query & { queryType: 'scan' },
  partials: AsyncIterable<Partial>,
): AsyncGenerator<string> {
  const writer = new ScanWriter(query);
  let separator = '[';
  for await (const partial of partials) {
    if (partial.kind !== 'scan') continue;
    for (const batch of partial.batches) {
      for (const element of writer.add(batch)) {
        yield separator + element;
        separator = ',';
      }
    }
    if (writer.isFull) break;
  }
  for (const element of writer.end()) {
    yield separator + element;
    separator = ',';
  }
  yield separator === '[' ? '[]' : ']';
}
