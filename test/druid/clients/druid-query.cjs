// druid-query (npm), unmodified: its builders of every query type that Druid still has. Prints one JSON object. Run by
// ../clients.test.ts in a folder that holds the package.

const { createRequire } = require('node:module');
const { Client } = createRequire(`${process.argv[2]}/`)('druid-query');

const SPAN = ['2013-08-31T00:00:00Z', '2013-09-01T00:00:00Z'];

function main() {
  const client = new Client(process.argv[3]);
  const exec = (query) =>
    new Promise((resolve, reject) => {
      query.exec((error, result) => (error ? reject(error) : resolve(result)));
    });
  return Promise.all([
    exec(client.timeBoundary().dataSource('wikipedia')),
    exec(
      client
        .timeseries()
        .dataSource('wikipedia')
        .interval(...SPAN)
        .granularity('all')
        .aggregation('longSum', 'rows', 'count')
        .aggregation('doubleSum', 'added', 'added'),
    ),
    exec(
      client
        .topN()
        .dataSource('wikipedia')
        .interval(...SPAN)
        .granularity('all')
        .dimension('language')
        .metric('added')
        .threshold(3)
        .aggregation('doubleSum', 'added', 'added'),
    ),
    exec(
      client
        .groupBy()
        .dataSource('wikipedia')
        .interval(...SPAN)
        .granularity('day')
        .dimensions('namespace')
        .aggregation('longSum', 'rows', 'count')
        .filter('not', { type: 'selector', dimension: 'language', value: 'en' })
        .limitSpec('default', 10, [{ dimension: 'rows', direction: 'DESCENDING' }]),
    ),
    exec(
      client
        .search()
        .dataSource('wikipedia')
        .interval(...SPAN)
        .granularity('all')
        .searchDimensions('page')
        .query('insensitive_contains', 'st')
        .sort('lexicographic'),
    ),
    exec(
      client
        .segmentMetadata()
        .dataSource('wikipedia')
        .interval(...SPAN),
    ),
  ]);
}

main()
  .then(([boundary, timeseries, topN, groupBy, search, metadata]) =>
    process.stdout.write(JSON.stringify({ boundary, timeseries, topN, groupBy, search, metadata })),
  )
  .catch((error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  });
