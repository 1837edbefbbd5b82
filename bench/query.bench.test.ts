import { expect, it } from 'vitest';
import { oracleMissing } from '../test/druid/oracle.ts';
import { run } from './query.bench.ts';

// The benchmark at a size where time means nothing, so that it cannot rot: every query answers, and as Druid does.

it('query: every kind answers over a small segment as Druid does', async () => {
  const { rows, results } = await run({ seed: 7, rows: 3000, rounds: 2, warmUp: 1 });
  const hasDruid = (await oracleMissing()) === undefined;
  expect(rows).toBeGreaterThan(1000);
  expect(results.length).toBe(16);
  for (const { name, answerBytes, ours, compared } of results) {
    expect(answerBytes, name).toBeGreaterThan(40);
    expect(ours.ms, name).toBeGreaterThan(0);
    expect(compared, name).toBe(hasDruid ? 2 : 0);
  }
}, 120_000);
