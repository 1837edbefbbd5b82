import { expect, test } from 'vitest';
import { formatSegmentId } from '../../../core/model/data-segment.ts';
import { parseQuery } from '../../query/query.ts';
import type { FreshGroup, PublishedSegment } from '../../timeline/inventory.ts';
import { planQuery, uncoveredIntervals } from './query-plan.ts';

// Which segments a query is sent to: the default interval of segmentMetadata, segments named one by one, the copy with
// the fewest segments of the plan, and one replica of a group for everything fresh.

const DAY = 86_400_000;
const START = Date.UTC(2024, 0, 1);

/** The segment of a day after START, on some servers. */
function segment(day: number, servers: readonly string[]): PublishedSegment {
  const interval = { startMs: START + day * DAY, endMs: START + (day + 1) * DAY };
  const segmentId = { dataSource: 'd', interval, version: 'v1', partition: 0 };
  return {
    segmentId,
    id: formatSegmentId(segmentId),
    copies: new Map(servers.map((server) => [server, { address: `${server}:1`, path: 'p' }])),
  };
}

const published = [0, 3, 9, 12].map((day) => segment(day, ['a']));
const group: FreshGroup = {
  group: 'g',
  replicas: new Map([
    ['w1', 'w1:1'],
    ['w0', 'w0:1'],
  ]),
  ids: new Set(['x']),
};

function days(query: object, avoid: readonly string[] = []): number[] {
  const plan = planQuery(parseQuery(query), published, [], new Set(avoid));
  return plan.historicals
    .flatMap(({ segments }) => segments.map(({ intervals }) => intervals[0]?.startMs ?? 0))
    .map((ms) => (ms - START) / DAY);
}

test('segmentMetadata without intervals looks at the week that ends with the newest segment', () => {
  const query = { queryType: 'segmentMetadata', dataSource: 'd' };
  // The newest ends at day 13: the week begins with day 6.
  expect(days(query)).toEqual([9, 12]);
  expect(days({ ...query, intervals: ['2024-01-01/2024-01-05'] })).toEqual([0, 3]);
});

test('segments named one by one, and nothing fresh then', () => {
  const intervals = {
    type: 'segments',
    segments: [{ itvl: '2024-01-04/2024-01-05', ver: 'v1', part: 0 }],
  };
  const query = parseQuery({ queryType: 'timeBoundary', dataSource: 'd', intervals });
  const plan = planQuery(query, published, [group], new Set());
  expect(plan.historicals.flatMap(({ segments }) => segments.map(({ id }) => id))).toEqual([
    published[1]?.id,
  ]);
  expect(plan.fresh).toEqual([]);
});

test('copies share the work; a server that failed is left out while another serves', () => {
  const twice = [0, 1, 2, 3].map((day) => segment(day, ['a', 'b']));
  const query = parseQuery({ queryType: 'timeBoundary', dataSource: 'd' });
  const counts = (avoid: readonly string[]): number[] =>
    planQuery(query, twice, [], new Set(avoid)).historicals.map(({ segments }) => segments.length);
  expect(counts([])).toEqual([2, 2]);
  expect(counts(['a'])).toEqual([4]);
  expect(days({ queryType: 'timeBoundary', dataSource: 'd' }, ['a'])).toEqual([0, 3, 9, 12]);
});

test('everything fresh of a group comes from one replica, less what is published', () => {
  const query = parseQuery({ queryType: 'timeBoundary', dataSource: 'd' });
  const { fresh } = planQuery(query, published, [group], new Set(['w0']));
  expect(fresh.map(({ server, except }) => [server, except])).toEqual([
    ['w1', published.map(({ id }) => id)],
  ]);
});

test('parts of the intervals that no segment covers, published or fresh', () => {
  const freshId = segment(4, []).id;
  const fresh = { ...group, ids: new Set([freshId]) };
  const gaps = (intervals: unknown): number[][] =>
    uncoveredIntervals(
      parseQuery({ queryType: 'timeBoundary', dataSource: 'd', intervals }),
      'd',
      published,
      [fresh],
    ).map(({ startMs, endMs }) => [(startMs - START) / DAY, (endMs - START) / DAY]);
  expect(gaps(['2023-12-31/2024-01-06', '2024-01-08/2024-01-11T12'])).toEqual([
    [-1, 0],
    [1, 3],
    [7, 9],
    [10, 10.5],
  ]);
  expect(gaps(['2024-01-04/2024-01-06'])).toEqual([]);
  const segments = [{ itvl: '2024-01-01/2024-02-01', ver: 'v1', part: 0 }];
  expect(gaps({ type: 'segments', segments })).toEqual([]);
});
