// What of a golden answer can be asked of which source. Rows rolled up in another number of pieces, the order of rows
// that are equal in time, the bytes of a segment: these are left out by name, everything else must be equal.

import { closeSketches } from './close-sketches.ts';
import { difference, type GoldenQuery, isEstimate } from './golden-set.ts';

/** Where rows are read from. */
export type Source = 'druid' | 'built' | 'index' | 'mixed' | 'broker';

/** Queries whose answer depends on how rows are stored though nothing in them shows it, by set: name -> sources. */
const BY_NAME: Readonly<Record<string, readonly Source[]>> = {
  // The order of addition of doubles near 1e301.
  'edge_nulls topN multi-value': ['mixed'],
  // A number per stored row, counted or added up.
  'sketches query time build': ['mixed'],
  'rollup virtual column sum': ['mixed'],
  // A row without a list and one with an empty list roll up into one; which is kept is the order of arrival, and
  // the in-memory index keeps both until the segment is built.
  'wiki topN multi-value': ['built', 'index', 'mixed'],
  'wiki virtual column sum': ['index', 'mixed'],
  'wiki search contains': ['index', 'mixed'],
  // "a" and "A" are equal in this order.
  'wiki topN dimension alphanumeric': ['index'],
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function text(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'bigint' ? `${item}n` : item,
  );
}

/**
 * True when the answer depends on columns that the source does not have, or on how it stores its rows.
 *
 * @param rowsDiffer the source's pieces hold rows that one segment would have rolled up
 */
export function notComparable(
  set: string,
  golden: GoldenQuery,
  source: Source,
  missing: readonly string[],
  rowsDiffer: boolean,
): boolean {
  const question = text(golden.query);
  const answer = text(golden.result);
  const touches = (name: string): boolean =>
    new RegExp(`\\b${name}\\b`).test(question) || answer.includes(`"${name}"`);
  if (missing.some(touches) || BY_NAME[`${set} ${golden.name}`]?.includes(source)) return true;
  const { queryType } = golden.query as { queryType: string };
  if (source === 'built') return false;
  // Sizes, cardinalities and bounds come from dictionaries and bitmaps that fresh rows do not have.
  if (queryType === 'segmentMetadata') return true;
  // Search counts stored rows, as count does; a scan with a limit takes the first rows it meets.
  const isLimited = /"(limit|offset)":\d/.test(question);
  if (queryType === 'scan' && isLimited) return true;
  return rowsDiffer && ROW_WISE.test(question);
}

/** Counts of stored rows, the rows themselves, and the least or greatest of what rolling up adds up. */
const ROW_WISE =
  /"type":"count"|"queryType":"(scan|search)"|"type":"\w+(Min|Max)","name":"\w+","fieldName":"(added|deleted|delta|ratioSum)"/;

/** The part of an answer that is compared. */
export function comparable(query: object, answer: unknown, set: string, source: Source): unknown {
  if (!Array.isArray(answer) || !('queryType' in query)) return answer;
  if (query.queryType === 'segmentMetadata')
    return answer.map((element: unknown) => analysis(element, set, source));
  if (query.queryType === 'scan' && source !== 'druid' && source !== 'broker')
    return scanRows(answer, 'order' in query && query.order !== 'none');
  return answer;
}

/** Compares answers to one recorded query; estimates within what they may differ by. */
export interface GoldenComparison {
  /** The compared part of an answer, Druid's values where those of sketches are close enough. */
  near(answer: unknown): unknown;
  /** Undefined when the answer is the recorded one. */
  difference(answer: unknown): string | undefined;
}

/** @param query  the golden query, parsed */
export function compareGolden(
  query: object,
  golden: { readonly query: unknown; readonly result: unknown },
  set: string,
  source: Source,
): GoldenComparison {
  const theirs = comparable(query, golden.result, set, source);
  // Over Druid's own segments values come in Druid's order.
  const isOrdered = source === 'druid' || source === 'broker';
  const near = (answer: unknown): unknown => {
    const ours = comparable(query, answer, set, source);
    return set === 'sketches' ? closeSketches(ours, theirs, isOrdered) : ours;
  };
  const tolerance = isEstimate(golden.query) ? 1e-9 : 0;
  return { near, difference: (answer) => difference(near(answer), theirs, '', tolerance) };
}

/** 33.0.0, which made the sketches, has no `projections`; a segment of ours has another size. */
function analysis(element: unknown, set: string, source: Source): unknown {
  if (!isObject(element)) return element;
  const { projections: _none, ...rest } = element;
  const kept = set === 'sketches' ? rest : element;
  return source === 'built' ? { ...kept, size: 0 } : kept;
}

/** All rows of a scan in one order; whether ordered ones name their segment depends on how Druid merged them. */
function scanRows(answer: readonly unknown[], isOrdered: boolean): unknown {
  return answer
    .flatMap((element) => {
      if (!isObject(element) || !Array.isArray(element['events'])) return [text(element)];
      const { segmentId, columns, events } = element;
      return events.map((event: unknown) =>
        text([
          isOrdered ? null : segmentId,
          columns,
          isObject(event) ? Object.entries(event).toSorted(([a], [b]) => (a < b ? -1 : 1)) : event,
        ]),
      );
    })
    .toSorted();
}
