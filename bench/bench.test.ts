// The benchmarks at a size where time means nothing, so that they cannot rot: all cases run and give the same answers. The
// one from a real broker runs where a broker can be had.

import { describe, expect, it } from 'vitest';
import { oracleMissing } from '../test/druid/oracle.ts';
import { serverForSuite } from '../test/servers/endpoints.ts';
import { run as build } from './build.bench.ts';
import { run as ingest } from './ingest.bench.ts';
import { run as parse } from './parse.bench.ts';
import { run as persist } from './persist.bench.ts';
import type { Report } from './report.ts';

const PARAMS = { seed: 7, rows: 3000, rounds: 1 };

/** Answers were compared by the run itself; here, that there were some. */
function expectAnswers(report: Report, cases: number): void {
  expect(report.cases).toHaveLength(cases);
  for (const { answer, cpuNs, peakRssMb } of report.cases) {
    expect(answer.rows).toBe(PARAMS.rows);
    expect(answer.sums[0]).toBeGreaterThan(PARAMS.rows);
    expect(cpuNs.median).toBeGreaterThan(0);
    expect(peakRssMb).toBeGreaterThan(10);
  }
  for (const { got } of report.verdicts) expect(got).toBeGreaterThan(0);
}

describe('benchmarks with small parameters', () => {
  it('parse: two group keys, the sums of JSON.parse', async () => {
    const report = await parse(PARAMS);
    expectAnswers(report, 3);
    const [, twelve, five] = report.cases;
    expect(twelve?.answer.groups).not.toBe(five?.answer.groups);
    expect(report.verdicts).toHaveLength(2);
  });

  it('persist: writes as many rows as were indexed', async () => {
    const report = await persist(PARAMS);
    expectAnswers(report, 2);
    expect(report.cases[0]?.answer.groups).toBe(report.cases[1]?.answer.groups);
  });

  it('build: as many rows as Druid writes, of about as many bytes', async (context) => {
    const missing = await oracleMissing();
    if (missing !== undefined) return context.skip(missing);
    const { cases, verdicts } = await build(PARAMS);
    expect(cases[0]?.answer.sums[0]).toBeGreaterThan(PARAMS.rows / 2);
    const bytes = verdicts.find(({ goal }) => goal === 'bytes to Druid');
    expect(bytes?.got).toBeGreaterThan(0.9);
    expect(bytes?.got).toBeLessThan(1.01);
  });

  it('ingest: an index and a Map make the same groups of a real topic', async (context) => {
    const kafka = await serverForSuite('kafka');
    if (typeof kafka === 'string') return context.skip(kafka);
    try {
      const report = await ingest(PARAMS, kafka.endpoint.url);
      expectAnswers(report, 2);
      expect(report.cases[0]?.answer.groups).toBe(report.cases[1]?.answer.groups);
    } finally {
      await kafka.release();
    }
  });
});
