import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { isFailure } from '../runtime/failure.ts';
import { compileIngestion } from './compile.ts';
import { readIngestions } from './validate.ts';

type Tree = Record<string, unknown>;

const BASE = (): Tree => ({
  apiVersion: 'sluice.dev/v1alpha1',
  kind: 'RealtimeIngestion',
  metadata: { name: 'w' },
  spec: {
    dataSource: 'w',
    source: { kafka: { bootstrapServers: ['k:9092'], topic: 't' } },
    schema: {
      format: { type: 'json' },
      dimensions: [{ name: 'a' }],
      metrics: [{ type: 'count', name: 'n' }],
    },
  },
});

/** Sets a dotted path, or deletes it when the value is undefined. */
function set(path: string, value: unknown): Tree {
  const root = BASE();
  const keys = path.split('.');
  let at: Tree = root;
  for (const key of keys.slice(0, -1)) at = (at[key] ??= {}) as Tree;
  const last = keys.at(-1) ?? '';
  if (value === undefined) delete at[last];
  else at[last] = value;
  return root;
}

function problem(tree: Tree): string {
  try {
    readIngestions(stringify(tree), 'w.yaml');
  } catch (error) {
    expect(isFailure(error, 'config')).toBe(true);
    return error instanceof Error ? error.message : '';
  }
  return 'accepted';
}

const WRONG: readonly (readonly [path: string, value: unknown, field: string, fix: RegExp])[] = [
  ['apiVersion', 'v1', 'apiVersion', /must be sluice\.dev\/v1alpha1/],
  ['kind', 'Pod', 'kind', /must be RealtimeIngestion/],
  ['metadata.name', 'Not_A_Label', 'metadata.name', /DNS label/],
  ['spec.dataSource', undefined, 'spec.dataSource', /is required/],
  ['spec.dataSource', 'a/b', 'spec.dataSource', /"a\/b": must begin with/],
  ['spec.surprise', 1, 'spec.surprise', /unknown field; remove it/],
  ['spec.source', {}, 'spec.source', /exactly one of kafka and file/],
  [
    'spec.source.kafka.bootstrapServers',
    ['nope'],
    'spec.source.kafka.bootstrapServers[0]',
    /host:port/,
  ],
  [
    'spec.source.kafka.start',
    { from: 'Timestamp' },
    'spec.source.kafka.start.timestamp',
    /needs an ISO instant/,
  ],
  [
    'spec.source.kafka.start',
    { from: 'Offsets' },
    'spec.source.kafka.start.offsets',
    /needs a list/,
  ],
  ['spec.schema.format.type', 'xml', 'spec.schema.format.type', /"xml"/],
  [
    'spec.schema.format.type',
    'avro',
    'spec.schema.format.type',
    /not supported by this release; value "avro": use json/,
  ],
  ['spec.schema.dimensions', [{ name: 'n' }], 'spec.schema.metrics[0].name', /already the name of/],
  ['spec.schema.dimensions', [{ name: '__time' }], 'spec.schema.dimensions[0].name', /reserved/],
  ['spec.schema.dimensions', [{ name: 'a,b' }], 'spec.schema.dimensions[0].name', /comma/],
  [
    'spec.schema.metrics',
    [{ type: 'longSum', name: 'x' }],
    'spec.schema.metrics[0].fieldName',
    /required by type longSum/,
  ],
  [
    'spec.schema.metrics',
    [{ type: 'thetaSketch', name: 'x', fieldName: 'f', size: 100 }],
    'spec.schema.metrics[0].size',
    /use a power of two/,
  ],
  [
    'spec.schema.metrics',
    [{ type: 'hyperUnique', name: 'x', fieldName: 'f', lgK: 11 }],
    'spec.schema.metrics[0].lgK',
    /not a parameter of type hyperUnique/,
  ],
  [
    'spec.schema.metrics',
    [{ type: 'javascript', name: 'x' }],
    'spec.schema.metrics[0].type',
    /"javascript"/,
  ],
  [
    'spec.schema.queryGranularity',
    'fortnight',
    'spec.schema.queryGranularity',
    /use one of all, none/,
  ],
  [
    'spec.schema.queryGranularity',
    'month',
    'spec.schema.queryGranularity',
    /coarser than segmentGranularity day/,
  ],
  ['spec.schema.segmentGranularity', 'all', 'spec.schema.segmentGranularity', /needs a length/],
  ['spec.schema.timeZone', 'Mars/Olympus', 'spec.schema.timeZone', /IANA/],
  ['spec.lateness', { windowPeriod: '10 minutes' }, 'spec.lateness.windowPeriod', /PT10M/],
  ['spec.lateness', { windowPeriod: 'P1M' }, 'spec.lateness.windowPeriod', /no fixed length/],
  ['spec.workers', { count: 0 }, 'spec.workers.count', /value 0/],
  [
    'spec.workers',
    { replicas: 2 },
    'spec.workers.replicas',
    /not supported by this release; value 2: use 1/,
  ],
  ['spec.autoscale', { min: 1, max: 2 }, 'spec.autoscale', /not supported by this release/],
  [
    'spec.badRecords',
    { deadLetter: { topic: 'd' } },
    'spec.badRecords.deadLetter',
    /not supported by this release/,
  ],
  [
    'spec.segments',
    { indexSpec: { bitmap: 'bitset' } },
    'spec.segments.indexSpec.bitmap',
    /roaring.*concise/,
  ],
  ['spec.segments', { period: 'PT0S' }, 'spec.segments.period', /not a positive/],
];

describe('readIngestions', () => {
  it.each(WRONG)('%s = %j is refused by field, value and fix', (path, value, field, fix) => {
    const message = problem(set(path, value));
    expect(message).toContain(`${field}: `);
    expect(message).toMatch(fix);
  });

  it('points at the line of broken YAML', () => {
    expect(() => readIngestions('spec:\n  a: [1,\n  b: 2', 'w.yaml')).toThrow(/w\.yaml: .*line 3/s);
    expect(() => readIngestions('# nothing', 'w.yaml')).toThrow(/holds no resource/);
  });

  it('accepts the examples and fills in the defaults', () => {
    for (const name of ['wikipedia', 'wikipedia-kafka']) {
      const file = new URL(`../../examples/${name}.yaml`, import.meta.url).pathname;
      const [resource] = readIngestions(readFileSync(file, 'utf8'), file);
      expect(resource).toBeDefined();
      if (resource === undefined) return;
      const compiled = compileIngestion(resource, '/base');
      expect(compiled.schema.dimensions).toHaveLength(12);
      expect(compiled.schema.lateness.lateMs).toBe(86_400_000);
      expect(compiled.segments.periodMs).toBe(3_600_000);
      if (compiled.source.type === 'file')
        expect(compiled.source.paths).toEqual(['/base/wikipedia.ndjson']);
      else
        expect(compiled.source.consumerGroup).toBe(
          'sluice-default-wikipedia-kafka'.replace('-kafka', ''),
        );
    }
  });

  it('refuses serverTime for files', () => {
    const tree = set('spec.source', { file: { paths: ['x'] } });
    (tree['spec'] as Tree)['lateness'] = { policy: 'serverTime' };
    expect(problem(tree)).toMatch(
      /spec\.lateness\.policy: value "serverTime": lines of a file have no record time/,
    );
  });
});
