import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parseQuery } from '../../worker/query/query.ts';
import { compareGolden, notComparable } from './golden-comparison.ts';
import { exactJson, GOLDEN_SETS, goldenSet, parseExactJson } from './golden-set.ts';
import { openGoldenViews } from './golden-views.ts';
import { openOracle, type Oracle, oracleMissing } from './oracle.ts';

// Druid's engine over the segments that we build of each set: the recorded answers once more.

const missing = await oracleMissing();
const root = mkdtempSync(join(tmpdir(), 'golden-oracle-'));
const table: string[] = [];
const oracles = new Map<'33' | '37', Promise<Oracle>>();
afterAll(async () => {
  for (const oracle of oracles.values()) await (await oracle).close();
  rmSync(root, { recursive: true, force: true });
  console.log(table.join('\n'));
});

/** Sketches are an extension that Druid 37 has not published. */
function oracleFor(set: string): Promise<Oracle> {
  const release = set === 'sketches' ? '33' : '37';
  const oracle = oracles.get(release) ?? openOracle({ release });
  oracles.set(release, oracle);
  return oracle;
}

interface OracleResult {
  readonly name: string;
  readonly result?: unknown;
  readonly error?: unknown;
}

test.skipIf(missing !== undefined).each(GOLDEN_SETS)(
  'Druid answers over our segments of set %s as over its own',
  async (name) => {
    const set = goldenSet(name);
    const stores = await openGoldenViews(set);
    const oracle = await oracleFor(name);
    const failures: string[] = [];
    let passed = 0;
    try {
      const asked = set.queries.filter(
        (golden) => !notComparable(name, golden, 'built', stores.missing, false),
      );
      const file = join(root, `${name}.json`);
      const queries = asked.map(({ query }, i) => ({ name: String(i), query }));
      writeFileSync(file, exactJson({ dataSource: set.dataSource, queries }));
      const { exit, out } = await oracle.run(['query', ...stores.builtDirs, file]);
      expect(exit, out).toBe(0);
      const answers = parseExactJson(out) as readonly OracleResult[];
      expect(answers.length).toBe(asked.length);
      asked.forEach((golden, i) => {
        const comparison = compareGolden(parseQuery(golden.query), golden, name, 'built');
        const found = comparison.difference(answers[i]?.result);
        if (found === undefined) passed++;
        else failures.push(`${golden.name}: ${found} ${JSON.stringify(answers[i]?.error) ?? ''}`);
      });
      table.push(
        `Druid over ours ${name.padEnd(12)} ${passed} of ${asked.length} as recorded, ` +
          `${set.queries.length - asked.length} depend on how rows are stored`,
      );
    } finally {
      stores.close();
    }
    expect(failures).toEqual([]);
    expect(passed).toBeGreaterThan(9);
  },
);
