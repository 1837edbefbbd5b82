import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ObservedPod, planRoll, type RollPlan, type WantedPod } from './roll-plan.ts';

const wanted = (...groups: readonly string[]): WantedPod[] =>
  groups.map((group) => ({ name: `p-${group}`, group, templateHash: 'new' }));
const pod = (group: string, changes: Partial<ObservedPod> = {}): ObservedPod => ({
  name: `p-${group}`,
  group,
  templateHash: 'new',
  isReady: true,
  isBroken: false,
  isOver: false,
  isTerminating: false,
  isCatchingUp: false,
  ...changes,
});
const plan = (
  observed: readonly ObservedPod[],
  groups: readonly string[],
  held: readonly string[] = groups,
): RollPlan =>
  planRoll({
    wanted: wanted(...groups),
    leaving: wanted(...held.filter((group) => !groups.includes(group))),
    observed,
    held: new Set(held),
    isSuspended: false,
  });

test('nothing to do when all is as wanted', () => {
  expect(plan([pod('a'), pod('b')], ['a', 'b'])).toEqual({
    create: [],
    remove: [],
    outstanding: 0,
  });
});

test('a lost worker of a group that still owns partitions is made again, wanted or not', () => {
  expect(plan([pod('a')], ['a'], ['a', 'b'])).toMatchObject({ create: ['p-b'], remove: [] });
  const failed = pod('b', { isOver: true });
  expect(plan([pod('a'), failed], ['a'], ['a', 'b'])).toMatchObject({
    create: [],
    remove: [{ name: 'p-b', reason: 'WorkerFailed' }],
  });
});

test('missing pods are made at once', () => {
  expect(plan([], ['a', 'b']).create).toEqual(['p-a', 'p-b']);
});

test('old pods are replaced one at a time, and only while the others are ready', () => {
  const old = { templateHash: 'old' };
  expect(plan([pod('a', old), pod('b', old)], ['a', 'b']).remove).toEqual([
    { name: 'p-a', reason: 'RollingUpdate' },
  ]);
  expect(plan([pod('a', { isReady: false }), pod('b', old)], ['a', 'b']).remove).toEqual([]);
  expect(plan([pod('a', { isTerminating: true }), pod('b', old)], ['a', 'b']).remove).toEqual([]);
  expect(plan([pod('b', old)], ['a', 'b']).remove).toEqual([]);
  expect(plan([pod('a', { isCatchingUp: true }), pod('b', old)], ['a', 'b']).remove).toEqual([]);
});

test('broken old pods go first and do not wait', () => {
  const broken = { templateHash: 'bad', isReady: false, isBroken: true };
  const old = { templateHash: 'old' };
  expect(plan([pod('a', old), pod('b', broken), pod('c', broken)], ['a', 'b', 'c']).remove).toEqual(
    [
      { name: 'p-b', reason: 'ReplacingBroken' },
      { name: 'p-c', reason: 'ReplacingBroken' },
    ],
  );
});

test('a pod that does not start by itself is left to its kubelet when it is the wanted one', () => {
  expect(plan([pod('a', { isReady: false, isBroken: true })], ['a']).remove).toEqual([]);
});

test('a pod that ended is replaced', () => {
  expect(plan([pod('a', { isReady: false, isBroken: true, isOver: true })], ['a']).remove).toEqual([
    { name: 'p-a', reason: 'WorkerFailed' },
  ]);
});

test('a group that holds partitions keeps its worker; then it goes', () => {
  expect(plan([pod('a'), pod('b')], ['a'], ['a', 'b'])).toEqual({
    create: [],
    remove: [],
    outstanding: 1,
  });
  expect(plan([pod('a'), pod('b')], ['a'], ['a']).remove).toEqual([
    { name: 'p-b', reason: 'ScalingDown' },
  ]);
});

test('of healthy workers at most one is taken away, and never while another is missing', () => {
  const any = fc.record({
    isThere: fc.boolean(),
    isOld: fc.boolean(),
    isReady: fc.boolean(),
    isBroken: fc.boolean(),
    isTerminating: fc.boolean(),
  });
  let disruptions = 0;
  fc.assert(
    fc.property(fc.array(any, { minLength: 1, maxLength: 6 }), (states) => {
      const groups = states.map((_, i) => `g${i}`);
      const observed = states.flatMap((state, i) =>
        state.isThere
          ? [
              pod(`g${i}`, {
                templateHash: state.isOld ? 'old' : 'new',
                isReady: state.isReady,
                isBroken: state.isBroken && !state.isReady,
                isTerminating: state.isTerminating,
              }),
            ]
          : [],
      );
      const { remove } = plan(observed, groups);
      const healthy = remove.filter(({ name }) => observed.find((p) => p.name === name)?.isReady);
      disruptions += healthy.length;
      expect(healthy.length).toBeLessThanOrEqual(1);
      if (healthy.length === 1)
        expect(observed.filter((p) => p.isReady && !p.isTerminating)).toHaveLength(groups.length);
      expect(new Set(remove.map(({ name }) => name)).size).toBe(remove.length);
      // The order in which pods are listed does not matter.
      expect(
        plan(observed.toReversed(), groups)
          .remove.map(({ name }) => name)
          .toSorted(),
      ).toEqual(remove.map(({ name }) => name).toSorted());
    }),
    { numRuns: 2000, seed: 5 },
  );
  expect(disruptions).toBeGreaterThan(5);
});
