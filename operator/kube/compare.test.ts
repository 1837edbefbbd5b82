import { expect, test } from 'vitest';
import { isSatisfied } from './compare.ts';

const SAME: readonly (readonly [string, unknown, unknown])[] = [
  [
    'defaults that the server added',
    { spec: { a: 1 } },
    { spec: { a: 1, policy: 'Default' }, x: 2 },
  ],
  ['amounts written another way', { cpu: '1000m', memory: '1Gi' }, { cpu: '1', memory: '1024Mi' }],
  ['an empty map that the server dropped', { annotations: {} }, {}],
  ['items with defaults', { ports: [{ port: 1 }] }, { ports: [{ port: 1, protocol: 'TCP' }] }],
  ['an absent wish', { a: undefined }, {}],
];
const DIFFERENT: readonly (readonly [string, unknown, unknown])[] = [
  ['another value', { a: 1 }, { a: 2 }],
  ['a missing value', { a: 1 }, {}],
  ['a list with more items', { finalizers: ['a'] }, { finalizers: ['a', 'b'] }],
  ['a list in another order', { args: ['a', 'b'] }, { args: ['b', 'a'] }],
  ['another amount', { cpu: '1000m' }, { cpu: '2' }],
  ['a number as text that is no amount', { a: '1x' }, { a: 1 }],
  ['a map where there is none', { a: { b: 1 } }, { a: null }],
];

test.each(SAME)('%s: nothing to write', (_, wanted, actual) => {
  expect(isSatisfied(wanted, actual)).toBe(true);
});

test.each(DIFFERENT)('%s: something to write', (_, wanted, actual) => {
  expect(isSatisfied(wanted, actual)).toBe(false);
});
