import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readBuildSpec } from './build-spec.ts';

const root = mkdtempSync(join(tmpdir(), 'build-spec-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const FLAT = {
  dataSource: 'x',
  timestampSpec: { column: 't', format: 'millis' },
  dimensionsSpec: { dimensions: ['d'] },
  metricsSpec: [{ type: 'count', name: 'count' }],
  interval: '2024-01-01/2024-01-02',
};

function read(spec: unknown): ReturnType<typeof readBuildSpec> {
  const file = join(root, 'spec.json');
  writeFileSync(file, typeof spec === 'string' ? spec : JSON.stringify(spec));
  return readBuildSpec(file);
}

test.each([
  [
    { metricsSpec: [{ type: 'variance', name: 'u', fieldName: 'd' }] },
    /metricsSpec\[0\].type: value "variance": is not supported; use one of count/,
  ],
  [
    { metricsSpec: [{ type: 'longFirst', name: 'u', fieldName: 'd', timeColumn: 'other' }] },
    /metricsSpec\[0\].timeColumn: value "other": is not supported; use "__time"/,
  ],
  [
    { dimensionsSpec: { dimensions: [{ type: 'json', name: 'j' }] } },
    /dimensionsSpec.dimensions\[0\].type: value "json"/,
  ],
  [
    { transformSpec: { transforms: [{ type: 'expression' }] } },
    /transformSpec.transforms: is not supported/,
  ],
  [{ inputFormat: { type: 'csv' } }, /inputFormat.type: value "csv"/],
  [{ indexSpec: { bitmap: { type: 'bitset' } } }, /indexSpec.bitmap.*value "bitset".*concise/],
  [
    { indexSpec: { stringDictionaryEncoding: { type: 'frontCoded' } } },
    /stringDictionaryEncoding.type: value "frontCoded"/,
  ],
  [
    { metricsSpec: [{ type: 'longSum', name: 'l' }] },
    /metricsSpec\[0\].fieldName: is required by type longSum/,
  ],
  [{ queryGranularity: 'fortnight' }, /queryGranularity: .*fortnight/],
  [{ interval: '2024-01-02' }, /2024-01-02/],
  [{ unheardOf: 1 }, /unheardOf: is not supported/],
])('a flat spec with %j is refused', (change, message) => {
  expect(() => read({ ...FLAT, ...change })).toThrow(message);
});

test('what Druid says becomes what the worker reads', () => {
  const { ingestion, interval } = read({
    ...FLAT,
    dimensionsSpec: {
      dimensions: [
        'a',
        { type: 'long', name: 'l' },
        { name: 'm', multiValueHandling: 'SORTED_SET', createBitmapIndex: false },
      ],
    },
    metricsSpec: [
      { type: 'count', name: 'count', fieldName: 'ignored' },
      { type: 'doubleSum', name: 's', fieldName: 'f', expression: null },
    ],
    queryGranularity: { type: 'period', period: 'PT6H', timeZone: 'Europe/Berlin' },
    rollup: false,
    maxRowsInMemory: 900,
    maxBytesInMemory: -1,
    indexSpec: { bitmap: { type: 'roaring' }, metricCompression: 'zstd' },
  });
  expect(interval).toEqual({ startMs: Date.UTC(2024, 0, 1), endMs: Date.UTC(2024, 0, 2) });
  expect(ingestion.segments).toMatchObject({
    maxRowsInMemory: 900,
    maxBytesInMemory: 134_217_728,
  });
  const { schema } = ingestion;
  expect(schema.dimensions).toEqual([
    { name: 'a', type: 'string', createBitmapIndex: true, multiValueHandling: 'sorted_array' },
    { name: 'l', type: 'long', createBitmapIndex: true, multiValueHandling: 'sorted_array' },
    { name: 'm', type: 'string', createBitmapIndex: false, multiValueHandling: 'sorted_set' },
  ]);
  expect(schema.metrics).toEqual([
    { type: 'count', name: 'count', fieldName: '' },
    { type: 'doubleSum', name: 's', fieldName: 'f' },
  ]);
  expect(schema).toMatchObject({
    rollup: false,
    queryGranularity: { type: 'period', period: 'PT6H', timeZone: 'Europe/Berlin' },
    indexSpec: { metricCompression: 'zstd', dimensionCompression: 'lz4' },
  });
});

test('a resource may not depend on record times, and only one is built', () => {
  const resource = (name: string, policy: string): string =>
    [
      'apiVersion: sluice.dev/v1alpha1',
      'kind: RealtimeIngestion',
      `metadata: { name: ${name} }`,
      'spec:',
      '  dataSource: x',
      '  source: { kafka: { bootstrapServers: ["kafka:9092"], topic: t } }',
      '  schema: { format: { type: json } }',
      `  lateness: { policy: ${policy} }`,
    ].join('\n');
  expect(read(resource('a', 'none')).ingestion.dataSource).toBe('x');
  expect(() => read(resource('a', 'serverTime'))).toThrow(/spec.lateness.policy/);
  expect(() => read(`${resource('a', 'none')}\n---\n${resource('b', 'none')}`)).toThrow(
    /holds 2 resources/,
  );
  expect(() => readBuildSpec(join(root, 'missing.yaml'))).toThrow(/--spec .*cannot be read/);
});
