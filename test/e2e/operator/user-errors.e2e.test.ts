// Mistakes that a user can make with kubectl, a row each: refused at apply with the field's name, or a condition that names
// it, while what ran before goes on. Rules that only a real API server evaluates are evaluated by one.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { messageOf } from '../../../core/runtime/failure.ts';
import { INGESTIONS, KINDS } from '../../../operator/reconcile/kubernetes/kinds.ts';
import { until } from '../waiting.ts';
import {
  type ControlPlane,
  exampleSpec,
  hasControlPlane,
  startControlPlane,
} from './control-plane.ts';
import { conditionOf, OperatorBench } from './operator-bench.ts';

type Tree = Readonly<Record<string, unknown>>;
const example = exampleSpec() as {
  readonly source: { readonly kafka: Tree };
  readonly schema: Tree & { readonly dimensions?: readonly unknown[] };
};
const kafka = (change: Tree): Tree => ({
  source: { kafka: { ...example.source.kafka, ...change } },
});
const schema = (change: Tree): Tree => ({ schema: { ...example.schema, ...change } });
const secret = { name: 'no-such-secret', key: 'k' };

/** What is wrong, the change of the spec, and what the API server must say. */
const REFUSED: readonly (readonly [string, Tree, RegExp])[] = [
  ['an unknown field', { typo: 1 }, /spec\.typo/],
  ['an unknown field further down', { workers: { cuont: 2 } }, /spec\.workers\.cuont/],
  ['no data source', { dataSource: undefined }, /spec\.dataSource/],
  ['another data source', { dataSource: 'other' }, /`dataSource` must not change/],
  ['another topic', kafka({ topic: 'other' }), /`topic` must not change/],
  ['no source', { source: {} }, /spec\.source/],
  [
    'two sources',
    { source: { ...example.source, file: { paths: ['x'] } } },
    /exactly one of `kafka` and `file`/,
  ],
  ['another kind of source', { source: { file: { paths: ['x'] } } }, /must stay of the kind/],
  [
    'no topic',
    { source: { kafka: { bootstrapServers: ['k:9092'] } } },
    /spec\.source\.kafka\.topic/,
  ],
  ['no broker', kafka({ bootstrapServers: [] }), /spec\.source\.kafka\.bootstrapServers/],
  ['a broker twice', kafka({ bootstrapServers: ['k:1', 'k:1'] }), /bootstrapServers: duplicate/],
  ['an unknown start', kafka({ start: { from: 'Middle' } }), /start\.from/],
  [
    'an offset that is a number',
    kafka({ start: { from: 'Offsets', offsets: [{ partition: 0, offset: 5 }] } }),
    /offsets\[partition=0\]\.offset/,
  ],
  ['an unknown offset policy', kafka({ offsetOutOfRange: 'Ignore' }), /offsetOutOfRange/],
  [
    'an unknown SASL mechanism',
    kafka({ sasl: { mechanism: 'gssapi', usernameSecret: secret, passwordSecret: secret } }),
    /sasl\.mechanism/,
  ],
  [
    'a secret without key',
    kafka({ tls: { enabled: true, caSecret: { name: 'ca' } } }),
    /tls\.caSecret\.key/,
  ],
  ['an unknown format', schema({ format: { type: 'xml' } }), /schema\.format\.type/],
  ['an unknown metric', schema({ metrics: [{ type: 'avg', name: 'a' }] }), /metrics\[0\]\.type/],
  [
    'a metric without its field',
    schema({ metrics: [{ type: 'longSum', name: 'a' }] }),
    /`fieldName` must be given/,
  ],
  [
    'an unknown dimension type',
    schema({ dimensions: [{ name: 'a', type: 'int' }] }),
    /dimensions\[0\]\.type/,
  ],
  [
    'a dimension twice',
    schema({ dimensions: [{ name: 'a' }, { name: 'a' }] }),
    /dimensions.*(duplicate|Duplicate)/s,
  ],
  ['an unknown lateness policy', { lateness: { policy: 'never' } }, /lateness\.policy/],
  ['no workers', { workers: { count: 0 } }, /spec\.workers\.count/],
  ['too many workers', { workers: { count: 1001 } }, /spec\.workers\.count/],
  ['workers in words', { workers: { count: 'two' } }, /spec\.workers\.count/],
  ['no replicas', { workers: { replicas: 0 } }, /spec\.workers\.replicas/],
  [
    'a quantity in words',
    { workers: { resources: { requests: { cpu: 'lots' } } } },
    /workers\.resources\.requests\.cpu/,
  ],
  ['a size without number', { workers: { storage: { size: 'big' } } }, /workers\.storage\.size/],
  ['no deadline', { workers: { drainDeadlineSeconds: 0 } }, /workers\.drainDeadlineSeconds/],
  ['a negative limit of bad records', { badRecords: { max: -1 } }, /badRecords\.max/],
  [
    'two dead letter targets',
    { badRecords: { deadLetter: { topic: 't', prefix: 'p' } } },
    /exactly one of `topic` and `prefix`/,
  ],
  ['more at least than at most', { autoscale: { min: 3, max: 2 } }, /`min` must be at most `max`/],
  ['an unknown deletion policy', { deletionPolicy: 'Keep' }, /spec\.deletionPolicy/],
  ['suspend in words', { suspend: 'yes' }, /spec\.suspend/],
];

/** What is wrong, the change, the condition and reason that say so, and the text they must hold. */
const TOLD: readonly (readonly [string, Tree, string, RegExp])[] = [
  ['a period in words', { segments: { period: 'soon' } }, 'SpecValid', /spec\.segments\.period/],
  [
    'an unknown granularity',
    schema({ segmentGranularity: 'fortnight' }),
    'SpecValid',
    /spec\.schema\.segmentGranularity/,
  ],
  [
    'a coarser query granularity',
    schema({ queryGranularity: 'week', segmentGranularity: 'day' }),
    'SpecValid',
    /spec\.schema\.queryGranularity/,
  ],
  [
    'an unknown time zone',
    schema({ timeZone: 'Mars/Base', segmentGranularity: 'P1D' }),
    'SpecValid',
    /spec\.schema\.timeZone/,
  ],
  [
    'a window of months',
    { lateness: { policy: 'messageTime', windowPeriod: 'P1M' } },
    'SpecValid',
    /spec\.lateness\.windowPeriod/,
  ],
  [
    'a start time that is none',
    kafka({ start: { from: 'Timestamp' } }),
    'SpecValid',
    /spec\.source\.kafka\.start\.timestamp/,
  ],
  [
    'a missing value that is no time',
    schema({ timestamp: { column: 'timestamp', missingValue: 'never' } }),
    'SpecValid',
    /spec\.schema\.timestamp\.missingValue/,
  ],
  [
    'a size that is no power of two',
    schema({ metrics: [{ type: 'thetaSketch', name: 'a', fieldName: 'b', size: 1000 }] }),
    'SpecValid',
    /spec\.schema\.metrics\[0\]\.size/,
  ],
  [
    'replicas that are not supported',
    { workers: { replicas: 2 } },
    'SpecValid',
    /workers\.replicas/,
  ],
  [
    'autoscaling that is not supported',
    { autoscale: { min: 1, max: 2 } },
    'SpecValid',
    /spec\.autoscale/,
  ],
  [
    'a Secret that does not exist',
    kafka({ sasl: { mechanism: 'plain', usernameSecret: secret, passwordSecret: secret } }),
    'SourceReachable',
    /secret no-such-secret\/k/,
  ],
  [
    'a template that makes no pod',
    { workers: { template: { spec: { restartPolicy: 'Sometimes' } } } },
    'Ready',
    /spec\.workers.*spec\.restartPolicy/s,
  ],
  [
    'requests above limits',
    { workers: { resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } } },
    'Ready',
    /spec\.workers.*resources\.requests/s,
  ],
];

describe.skipIf(!hasControlPlane())('mistakes with kubectl', () => {
  let plane: ControlPlane;
  let bench: OperatorBench;
  let uid: string | undefined;

  beforeAll(async () => {
    plane = await startControlPlane();
    bench = await OperatorBench.open(plane);
    await bench.start({ settings: { resyncMs: 500 } });
    await bench.objects.applyIngestion('wiki');
    const [pod] = await bench.objects.podsNamed('wiki-g0-0');
    uid = pod?.metadata.uid;
    await bench.objects.setReady('wiki-g0-0');
    await bench.objects.condition('wiki', 'Ready', 'True/Reading');
  });
  afterAll(async () => {
    await bench?.close();
    await plane?.stop();
  });

  const running = async (): Promise<string | undefined> =>
    (await bench.objects.get(KINDS.pods, 'wiki-g0-0'))?.metadata.uid;

  test('the table is long enough', () => {
    expect(REFUSED.length + TOLD.length).toBeGreaterThanOrEqual(30);
  });

  test.each(REFUSED)('%s is refused at apply', async (_, spec, message) => {
    const before = await bench.objects.ingestion('wiki');
    const said = await bench.objects.applyIngestion('wiki', spec).then(() => 'accepted', messageOf);
    expect(said).toMatch(message);
    const after = await bench.objects.ingestion('wiki');
    expect(after?.metadata.generation).toBe(before?.metadata.generation);
    expect(await running()).toBe(uid);
  });

  test.each(TOLD)('%s is told by a condition', async (_, spec, type, message) => {
    const { objects } = bench;
    await objects.applyIngestion('wiki', spec);
    await until(`condition ${type}`, 15_000, async () => {
      const object = await objects.ingestion('wiki');
      const text = JSON.stringify(object?.['status']);
      if (conditionOf(object, type).startsWith('False/') && message.test(text)) return true;
      throw new Error(`last seen ${text}`);
    });
    expect(await running()).toBe(uid);
    await objects.applyIngestion('wiki');
    await objects.condition('wiki', 'Ready', 'True/Reading');
    expect(await running()).toBe(uid);
  });

  test('more partitions than workers take is told by a condition', async () => {
    bench.stream.partitions = 101;
    const object = await bench.objects.condition(
      'wiki',
      'AssignmentComplete',
      'False/TooFewWorkers',
    );
    expect(JSON.stringify(object['status'])).toContain('spec.workers.count: value 1 is too small');
    expect(await running()).toBe(uid);
    bench.stream.partitions = 4;
    await bench.objects.condition('wiki', 'Ready', 'True/Reading');
  });

  test('a name too long for its workers is told by a condition', async () => {
    const name = 'a'.repeat(60);
    await bench.objects.applyIngestion(name);
    const object = await bench.objects.condition(name, 'SpecValid', 'False/SpecInvalid');
    expect(JSON.stringify(object['status'])).toContain('metadata.name');
    await bench.objects.delete(INGESTIONS, name);
  });

  test('a file source is told by a condition', async () => {
    await bench.objects.applyIngestion('file', { source: { file: { paths: ['x.json'] } } });
    const object = await bench.objects.condition('file', 'SpecValid', 'False/SpecInvalid');
    expect(JSON.stringify(object['status'])).toContain('spec.source.file');
    await bench.objects.delete(INGESTIONS, 'file');
  });
});
