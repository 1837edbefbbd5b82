import { expect, it } from 'vitest';
import { run } from './query.bench.ts';

// The benchmark at a size where time means nothing, so that it cannot rot: every query answers.

it('query: every kind answers over a small segment', async () => {
  const { rows, results } = await run({ seed: 7, rows: 3000, rounds: 1 });
  expect(rows).toBeGreaterThan(1000);
  expect(results.length).toBe(8);
  for (const { name, answerBytes, ourMs } of results) {
    expect(answerBytes, name).toBeGreaterThan(40);
    expect(ourMs, name).toBeGreaterThan(0);
  }
}, 120_000);
