// Every recorded Druid answer, asked again of our query engine: over the segments Druid wrote, over segments we wrote,
// over the in-memory index, and over a mix of pieces. A query of a type we refuse by name is counted as refused, as
// is a query of a column the reader refuses; any other difference fails. Prints a table: sets x sources.

import { afterAll, expect, test } from 'vitest';
import { intersect } from '../../core/model/interval.ts';
import { messageOf } from '../../core/runtime/failure.ts';
import {
  answerQuery,
  decodePartial,
  encodePartial,
  finishQuery,
  mergePartials,
  parseQuery,
  prettify,
  type Query,
  type QueryPiece,
  UNLIMITED,
} from '../../worker/query/query.ts';
import { runToEnd } from '../../worker/query/run/run-query.ts';
import type { View } from '../../worker/view/view.ts';
import { compareGolden, notComparable, type Source } from './golden-comparison.ts';
import { difference, GOLDEN_SETS, goldenSet, parseExactJson } from './golden-set.ts';
import { openGoldenViews } from './golden-views.ts';

/** Queries of each set that pass today, by source: fewer fail the test. */
const PASSING: Readonly<Record<string, readonly number[]>> = {
  edge_blocks: [65, 65, 54, 54],
  edge_nulls: [64, 64, 54, 53],
  edge_single: [56, 56, 46, 46],
  flights: [120, 120, 111, 111],
  rollup: [109, 109, 99, 57],
  sketches: [11, 11, 10, 9],
  tutorial: [109, 109, 99, 99],
  wiki: [119, 118, 61, 62],
  wiki_raw: [131, 131, 121, 121],
};

const table: string[] = [];
afterAll(() => console.log(table.join('\n')));

function piecesOf(query: Query, views: readonly View[]): QueryPiece[] {
  const { dataSource } = query;
  const { intervals } = dataSource.type === 'query' ? dataSource.query : query;
  return views
    .map((view) => ({
      view,
      intervals: intervals.map((i) => intersect(i, view.interval)).filter((i) => i !== undefined),
    }))
    .filter((piece) => piece.intervals.length > 0);
}

function rowsOf(views: readonly View[]): number {
  return views.reduce((sum, view) => sum + view.rows, 0);
}

/** The same answer the long way: a result per segment, through bytes, merged. */
function distributed(query: Query, pieces: readonly QueryPiece[]): string {
  const parts = pieces.map((piece) =>
    decodePartial(query, encodePartial(query, runToEnd(query, [piece], UNLIMITED))),
  );
  return [...finishQuery(query, mergePartials(query, parts))].join('');
}

/** Undefined when our answer is Druid's, whole, in parts and pretty. */
function check(
  set: string,
  source: Source,
  golden: { readonly query: unknown; readonly result: unknown },
  views: readonly View[],
): string | undefined {
  const query = parseQuery(golden.query);
  const pieces = piecesOf(query, views);
  const text = [...answerQuery(query, pieces, UNLIMITED)].join('');
  const comparison = compareGolden(query, golden, set, source);
  const near = (answer: string): unknown => comparison.near(parseExactJson(answer));
  const found = comparison.difference(parseExactJson(text));
  if (found !== undefined) return found;
  if (query.dataSource.type !== 'query') {
    const other = distributed(query, pieces);
    if (source === 'druid' && other !== text) return 'differs when merged from encoded parts';
    const inParts = difference(near(other), near(text), '', 0);
    if (inParts !== undefined) return `merged from encoded parts: ${inParts}`;
  }
  const pretty = [...prettify([text])].join('');
  return JSON.stringify(JSON.parse(pretty)) === JSON.stringify(JSON.parse(text))
    ? undefined
    : 'differs when pretty';
}

test.each(GOLDEN_SETS)(
  'answers of Druid over set %s',
  async (name) => {
    const set = goldenSet(name);
    const stores = await openGoldenViews(set);
    const failures: string[] = [];
    const counts: number[] = [];
    const sources = {
      druid: stores.druid,
      built: stores.built,
      index: stores.index,
      mixed: stores.mixed,
    };
    for (const [key, views] of Object.entries(sources)) {
      const source = key as Source;
      const rowsDiffer = rowsOf(views) !== rowsOf(stores.built);
      let [passed, left] = [0, 0];
      for (const golden of set.queries) {
        if (source !== 'druid' && notComparable(name, golden, source, stores.missing, rowsDiffer)) {
          left++;
          continue;
        }
        let found: string | undefined;
        try {
          found = check(name, source, golden, views);
        } catch (error) {
          found = messageOf(error);
        }
        if (found === undefined) passed++;
        else failures.push(`${source}: ${golden.name}: ${found}`);
      }
      counts.push(passed);
      table.push(
        `golden ${name.padEnd(12)} ${source.padEnd(6)} ${set.queries.length} queries: ${passed} pass, ` +
          `${failures.length} fail, ${left} depend on how rows are stored`,
      );
    }
    stores.close();
    expect(failures).toEqual([]);
    (PASSING[name] ?? []).forEach((least, i) => expect(counts[i]).toBeGreaterThanOrEqual(least));
  },
  120_000,
);
