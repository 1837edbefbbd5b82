import { expect, test } from 'vitest';
import { METRICS } from './metric-definitions.ts';
import { createMetrics } from './metrics.ts';

test('every metric of the list is exposed under its name once it has a value', async () => {
  const metrics = createMetrics();
  const base = { namespace: 'n', ingestion: 'i', data_source: 'd' };
  metrics.ingestEvents.inc({ ...base, outcome: 'processed', reason: '' }, 5);
  metrics.sinks.set({ ...base, group: '0' }, 2);
  metrics.persistSeconds.observe(base, 0.3);
  const { text, contentType } = await metrics.expose();
  expect(contentType).toContain('text/plain');
  expect(text).toContain(
    'sluice_ingest_events_total{namespace="n",ingestion="i",data_source="d",outcome="processed",reason=""} 5',
  );
  expect(text).toContain(
    'sluice_persist_seconds_bucket{le="0.5",namespace="n",ingestion="i",data_source="d"} 1',
  );
  metrics.sinks.remove({ ...base, group: '0' });
  expect((await metrics.expose()).text).not.toContain('group="0"');
  for (const { name } of Object.values(METRICS)) expect(text).toContain(`# HELP ${name} `);
});

test('names are unique, prefixed, and only counters end in _total', () => {
  const all = Object.values(METRICS);
  expect(all.length).toBeGreaterThan(30);
  expect(new Set(all.map((m) => m.name)).size).toBe(all.length);
  for (const { name, type } of all) {
    expect(name).toMatch(/^sluice_[a-z_]+$/);
    expect(name.endsWith('_total')).toBe(type === 'counter');
  }
});
