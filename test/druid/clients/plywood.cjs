// plywood with its Druid requester, unmodified: introspects a data source, computes nested splits, selects rows, lists
// sources. Prints one JSON object. Run by ../clients.test.ts in a folder that holds the packages.

const { createRequire } = require('node:module');
const load = createRequire(`${process.argv[2]}/`);
const { $, DruidExternal, External, ply, r } = load('plywood');
const { druidRequesterFactory } = load('plywood-druid-requester');

async function main() {
  const requester = druidRequesterFactory({ host: process.argv[3] });
  const external = await External.fromJS(
    { engine: 'druid', source: 'wikipedia', timeAttribute: 'time', allowSelectQueries: true },
    requester,
  ).introspect();
  const attributes = external.attributes.map(({ name, type }) => [name, type]);
  const span = { start: new Date('2013-08-31T00:00:00Z'), end: new Date('2013-09-01T00:00:00Z') };
  const wiki = $('wiki').filter($('time').in(span));
  const nested = await ply()
    .apply('wiki', wiki)
    .apply('Rows', $('wiki').sum('$count'))
    .apply('Added', $('wiki').sum('$added'))
    .apply(
      'Namespaces',
      $('wiki')
        .split('$namespace', 'Namespace')
        .apply('Added', $('wiki').sum('$added'))
        .sort('$Added', 'descending')
        .limit(5)
        .apply(
          'Hours',
          $('wiki')
            .split($('time').timeBucket('PT1H', 'Etc/UTC'), 'Hour')
            .apply('Rows', $('wiki').sum('$count'))
            .sort('$Hour', 'ascending'),
        ),
    )
    .apply('Users', $('wiki').countDistinct('$user'))
    .compute({ wiki: external });
  const english = await wiki
    .filter($('language').is(r('en')).not())
    .split({ Language: '$language', Robot: '$robot' })
    .apply('Rows', $('wiki').sum('$count'))
    .sort('$Language', 'ascending')
    .limit(10)
    .compute({ wiki: external });
  const selected = await wiki.select('page', 'added').limit(3).compute({ wiki: external });
  const nothing = await wiki
    .filter($('page').is(r('no such page')))
    .split('$page', 'Page')
    .apply('Rows', $('wiki').sum('$count'))
    .sort('$Rows', 'descending')
    .limit(3)
    .compute({ wiki: external });
  const sources = await DruidExternal.getSourceList(requester);
  const plain = (dataset) => JSON.parse(JSON.stringify(dataset));
  process.stdout.write(
    JSON.stringify({
      attributes,
      sources,
      nested: plain(nested),
      english: plain(english),
      selected: plain(selected),
      nothing: plain(nothing),
    }),
  );
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
