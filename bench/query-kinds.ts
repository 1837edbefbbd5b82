// The query kinds of the query benchmark. Each is a family: number i of it has constants of its own, so that no answer of
// a round before can be given again. Feeds query.bench.ts.

const SUM = [{ type: 'longSum', name: 'sum', fieldName: 'added' }];

/** Rows lie in the first ten minutes of the day, so every end after them asks for all rows. */
function rows(i: number): object {
  const end = new Date(Date.UTC(2024, 0, 1, 1) + i * 1000).toISOString();
  return { dataSource: 'ds', intervals: `2024-01-01T00:00:00.000Z/${end}`, granularity: 'all' };
}

function groups(i: number, dimensions: readonly string[]): object {
  return { ...rows(i), queryType: 'groupBy', aggregations: SUM, dimensions };
}

function topN(i: number, dimension: string, threshold: number): object {
  const shape = { queryType: 'topN', aggregations: SUM, metric: 'sum' };
  return { ...rows(i), ...shape, dimension, threshold };
}

function timeseries(i: number, filter?: object): object {
  const query = { ...rows(i), queryType: 'timeseries', aggregations: SUM };
  return filter === undefined ? query : { ...query, filter };
}

/** A family of queries. */
export interface QueryKind {
  readonly name: string;
  /** Rows/s to Druid's that are asked for. */
  readonly floor: number;
  /** Query number `i`, 0 or more. */
  body(i: number): object;
}

/** All kinds, in the order of the report. */
export const QUERY_KINDS: readonly QueryKind[] = [
  { name: 'timeseries sum', floor: 1, body: (i) => timeseries(i) },
  {
    name: 'timeseries filtered',
    floor: 1,
    body: (i) =>
      timeseries(i, {
        type: 'in',
        dimension: 'language',
        values: [`lang-${i % 12}`, `lang-${(i * 5 + 3) % 12}`],
      }),
  },
  {
    name: 'timeseries like',
    floor: 1,
    body: (i) => timeseries(i, { type: 'like', dimension: 'page', pattern: `%${i % 10}%` }),
  },
  { name: 'topN 12 values', floor: 3, body: (i) => topN(i, 'language', 3 + (i % 9)) },
  { name: 'topN 50,000 values', floor: 3, body: (i) => topN(i, 'page', 50 + (i % 100)) },
  {
    name: 'groupBy two dimensions',
    floor: 3,
    body: (i) => groups(i, ['language', 'namespace']),
  },
  {
    name: 'groupBy 20,000 values',
    floor: 3,
    body: (i) => ({
      ...groups(i, ['user']),
      limitSpec: {
        type: 'default',
        limit: 50 + (i % 100),
        columns: [{ dimension: 'sum', direction: 'descending', dimensionOrder: 'numeric' }],
      },
    }),
  },
  {
    name: 'scan limit',
    floor: 1,
    body: (i) => ({
      queryType: 'scan',
      dataSource: 'ds',
      // Another minute, hence other blocks, each time.
      intervals: `2024-01-01T00:0${i % 8}:00.000Z/2024-01-02T00:00:00.000Z`,
      columns: ['__time', 'page', 'user', 'added'],
      limit: 1000 + i,
    }),
  },
];
