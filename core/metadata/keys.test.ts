import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Failure } from '../runtime/failure.ts';
import { CODECS } from './codecs.ts';
import {
  dataSourceKeys,
  ingestionKeys,
  ingestionPrefix,
  lookupKey,
  orderKey,
  parseKey,
  servedKey,
  serverKey,
  sequenceId,
} from './keys.ts';

const name = fc.string({
  minLength: 1,
  unit: fc.constantFrom('a', 'Z', '/', '%', '2', 'F', '_', '-', '.', 'é', ' '),
});

test('every key parses back to what built it, whatever characters names hold', () => {
  let checked = 0;
  fc.assert(
    fc.property(name, name, name, name, fc.nat(99), (namespace, other, uid, id, n) => {
      const ref = { namespace, name: other, uid };
      const keys = ingestionKeys(ref);
      const ds = dataSourceKeys(other);
      const interval = { startMs: 0, endMs: 86_400_000 };
      const pairs: [string, unknown][] = [
        [keys.assignment, { type: 'assignment', ref }],
        [keys.partition(id, n), { type: 'partition', ref, topic: id, partition: n }],
        [keys.group(id), { type: 'group', ref, group: id }],
        [keys.owner(id, n), { type: 'owner', ref, group: id, replica: n }],
        [keys.sequence(id, n), { type: 'sequence', ref, group: id, n }],
        [keys.report(id, n, 3), { type: 'report', ref, group: id, n, replica: 3 }],
        [keys.schema(n), { type: 'schema', ref, revision: n }],
        [ds.allocation, { type: 'allocation', dataSource: other }],
        [ds.chunk(interval), { type: 'chunk', dataSource: other, interval }],
        [ds.pending(id), { type: 'pending', dataSource: other, sequenceId: id }],
        [ds.publication(id), { type: 'publication', dataSource: other, sequenceId: id }],
        [ds.segment(id), { type: 'segment', dataSource: other, segmentId: id }],
        [serverKey(id), { type: 'server', server: id }],
        [servedKey(other, id), { type: 'served', server: other, segmentId: id }],
        [orderKey(other, id), { type: 'order', server: other, segmentId: id }],
        [lookupKey(other, id), { type: 'lookup', tier: other, name: id }],
      ];
      for (const [key, expected] of pairs) {
        expect(parseKey(key)).toEqual(expected);
        checked++;
      }
    }),
    { numRuns: 50 },
  );
  expect(checked).toBe(50 * 16);
});

test('prefixes hold their keys and nothing of a namesake', () => {
  const keys = ingestionKeys({ namespace: 'n', name: 'w', uid: 'u' });
  expect(keys.sequence('1', 2).startsWith(keys.sequencesOf('1'))).toBe(true);
  expect(keys.sequence('12', 2).startsWith(keys.sequencesOf('1'))).toBe(false);
  expect(keys.report('1', 2, 0).startsWith(keys.reports('1', 2))).toBe(true);
  expect(keys.all.startsWith(ingestionPrefix('n', 'w'))).toBe(true);
  expect(
    ingestionKeys({ namespace: 'n', name: 'w2', uid: 'u' }).root.startsWith(
      ingestionPrefix('n', 'w'),
    ),
  ).toBe(false);
  expect([keys.sequence('1', 10), keys.sequence('1', 9)].toSorted()).toEqual([
    keys.sequence('1', 9),
    keys.sequence('1', 10),
  ]);
  expect(sequenceId({ namespace: 'n', name: 'w', uid: 'u' }, '1', 7)).toBe('u-1-7');
  expect(parseKey('ingestions/n/w/u/novelty/1')).toEqual({ type: 'unknown' });
});

test('values carry their version and refuse another', () => {
  const group = { lastN: 3, open: null };
  const text = CODECS.group.encode(group);
  expect(JSON.parse(text)).toEqual({ v: 1, lastN: 3, open: null });
  expect(CODECS.group.decode(text, 'k')).toEqual(group);
  expect(() => CODECS.group.decode('{"v":2,"lastN":3,"open":null}', 'k')).toThrow(
    /k: schema version 2/,
  );
  for (const bad of ['', '[]', 'null', '{"v":1}', '{"v":1,"lastN":"3","open":null}']) {
    expect(() => CODECS.group.decode(bad, 'k')).toThrow(Failure);
  }
});

test('a number that JSON would change is refused before it is stored', () => {
  expect(() => CODECS.group.encode({ lastN: 2 ** 53, open: null })).toThrow(/lastN/);
  expect(() => CODECS.group.encode({ lastN: NaN, open: null })).toThrow(/lastN/);
});

test('open sides of the lateness window survive', () => {
  const schema = {
    timestamp: { column: 't', format: 'auto', missingValueMs: null },
    dimensions: [],
    discovery: true,
    dimensionExclusions: [],
    metrics: [],
    rollup: true,
    queryGranularity: { type: 'none' },
    segmentGranularity: { type: 'none' },
    lateness: { policy: 'none', lateMs: Infinity, earlyMs: 5 },
    indexSpec: {
      bitmap: 'roaring',
      dimensionCompression: 'lz4',
      metricCompression: 'lz4',
      longEncoding: 'longs',
    },
  } as const;
  expect(CODECS.schema.decode(CODECS.schema.encode(schema), 'k')).toEqual(schema);
});
