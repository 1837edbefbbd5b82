// From a merged intermediate result to the JSON text of the answer, in chunks. Fed by merge.ts; feeds HTTP.
// Source: druid-query-api.md 3.3, 6.

import { formatInterval } from '../../../core/model/interval.ts';
import type { Query, SearchQuery, TimeBoundaryQuery } from '../model.ts';
import type {
  BoundaryPartial,
  Partial,
  SearchHit,
  SearchPartial,
  SegmentAnalysis,
} from '../partial.ts';
import { textComparator } from '../text/order.ts';
import { compareText } from '../value.ts';
import { groupByElements } from './group-by.ts';
import { arrayChunks, bucketWriter, valueJson } from './json.ts';
import { ScanWriter } from './scan.ts';
import { segmentElements } from './segments.ts';
import { timeseriesElements } from './timeseries.ts';
import { topNElements } from './top-n.ts';

/**
 * The answer as chunks of JSON text; together they are one array.
 *
 * @throws TypeError when the partial is of another query type
 */
export function finishQuery(query: Query, partial: Partial): Iterable<string> {
  return arrayChunks(elementsOf(query, partial));
}

function mismatch(query: Query, partial: Partial): TypeError {
  return new TypeError(`a ${partial.kind} result cannot answer a ${query.queryType} query`);
}

/** `atMs` is the time of what Druid dates by its segment; undefined = by its rows. */
function elementsOf(query: Query, partial: Partial, atMs?: number): Iterable<string> {
  if (partial.kind === 'segments') return segmentElements(query, partial, elementsOf);
  switch (query.queryType) {
    case 'timeseries':
      if (partial.kind === 'groups') return timeseriesElements(query, partial);
      break;
    case 'topN':
      if (partial.kind === 'groups') return topNElements(query, partial);
      break;
    case 'groupBy':
      if (partial.kind === 'groups') return groupByElements(query, partial);
      break;
    case 'scan':
      if (partial.kind === 'scan') return scanElements(new ScanWriter(query), [partial]);
      break;
    case 'search':
      if (partial.kind === 'search') return searchElements(query, partial);
      break;
    case 'timeBoundary':
      if (partial.kind === 'boundary') return boundaryElements(query, partial, atMs);
      break;
    case 'dataSourceMetadata':
      if (partial.kind === 'boundary') return metadataElements(query, partial, atMs);
      break;
    case 'segmentMetadata':
      if (partial.kind === 'metadata') return partial.segments.map(analysisElement);
      break;
  }
  throw mismatch(query, partial);
}

function* scanElements(
  writer: ScanWriter,
  partials: Iterable<Partial | undefined>,
): Generator<string> {
  for (const partial of partials) {
    if (partial?.kind !== 'scan') continue;
    for (const batch of partial.batches) yield* writer.add(batch);
    if (writer.isFull) break;
  }
  yield* writer.end();
}

/** The answer to an unordered scan straight from its batches, without holding them: chunks of one JSON array. */
export function streamScan(
  query: Query & { queryType: 'scan' },
  partials: Iterable<Partial | undefined>,
): Iterable<string> {
  return arrayChunks(scanElements(new ScanWriter(query), partials));
}

function* boundaryElements(
  query: TimeBoundaryQuery,
  { minMs, maxMs }: BoundaryPartial,
  atMs: number | undefined,
): Generator<string> {
  if (minMs === null || maxMs === null) return;
  const write = bucketWriter({ type: 'all' }, query.context);
  const [min, max] = [`"minTime":${write(minMs)}`, `"maxTime":${write(maxMs)}`];
  const result =
    query.bound === 'minTime' ? min : query.bound === 'maxTime' ? max : `${min},${max}`;
  yield `{"timestamp":${write(atMs ?? (query.bound === 'maxTime' ? maxMs : minMs))},"result":{${result}}}`;
}

function* metadataElements(
  query: Query,
  { maxMs }: BoundaryPartial,
  atMs: number | undefined,
): Generator<string> {
  if (maxMs === null) return;
  const write = bucketWriter({ type: 'all' }, query.context);
  yield `{"timestamp":${write(atMs ?? maxMs)},"result":{"maxIngestedEventTime":${write(maxMs)}}}`;
}

function* searchElements(query: SearchQuery, partial: SearchPartial): Generator<string> {
  const compare = textComparator(query.sort);
  const write = bucketWriter(query.granularity, query.context);
  const order = (a: SearchHit, b: SearchHit): number =>
    compare(a.value, b.value) || compareText(a.dimension, b.dimension);
  for (const start of partial.buckets) {
    const hits = partial.hits
      .filter((hit) => hit.timeMs === start)
      .toSorted(order)
      .slice(0, query.limit);
    yield `{"timestamp":${write(start)},"result":[${hits.map(hitJson).join(',')}]}`;
  }
}

function hitJson(hit: SearchHit): string {
  return `{"dimension":${JSON.stringify(hit.dimension)},"value":${valueJson(hit.value)},"count":${hit.count}}`;
}

function analysisElement(segment: SegmentAnalysis): string {
  return JSON.stringify({
    id: segment.id,
    intervals: segment.intervals?.map(formatInterval) ?? null,
    columns: segment.columns,
    size: segment.size,
    numRows: segment.numRows,
    aggregators: segment.aggregators,
    projections: null,
    timestampSpec: segment.timestampSpec,
    queryGranularity: segment.queryGranularity,
    rollup: segment.rollup,
  });
}
