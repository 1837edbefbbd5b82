// A data node as an executor: a client's query over everything the node serves. Source: druid-query-api.md 2.1.

import { decodePartial, type Partial, type Query, tablesOf } from '../../query/query.ts';
import type { ExecutionNotes, QueryExecutor } from '../query-endpoint/query-executor.ts';
import { nodeParts } from './node-query.ts';
import type { SegmentHolder } from './segment-holder.ts';

/** The executor of a holder. */
export function nodeExecutor(holder: SegmentHolder): QueryExecutor {
  return {
    async *execute(
      query: Query,
      text: string,
      cancelWord: Int32Array,
      notes: ExecutionNotes,
    ): AsyncGenerator<Partial> {
      for (const name of tablesOf(query)) {
        const selection = holder.select(name, { type: 'all' });
        notes.segments += selection.segments.length;
        for await (const part of nodeParts(text, selection, cancelWord))
          yield decodePartial(query, part);
      }
    },
    dataSources: () => holder.dataSources(),
  };
}
