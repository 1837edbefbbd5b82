import { expect, test } from 'vitest';
import { ETERNITY } from '../../../core/model/interval.ts';
import { instantOfText, intervalOfText, parseIntervals } from './instant.ts';

const iso = (ms: number): string => new Date(ms).toISOString();

test.each([
  ['2015-09-12T00Z/2015-09-13T00Z', '2015-09-12T00:00:00.000Z', '2015-09-13T00:00:00.000Z'],
  ['1000/3000', '1000-01-01T00:00:00.000Z', '3000-01-01T00:00:00.000Z'],
  ['2013-06-14/pt1h', '2013-06-14T00:00:00.000Z', '2013-06-14T01:00:00.000Z'],
  ['P1M/2024-03-31', '2024-02-29T00:00:00.000Z', '2024-03-31T00:00:00.000Z'],
  [
    '2015-09-12T06:00:00.500Z/2015-09-12T06:00:00.5+00:00',
    '2015-09-12T06:00:00.500Z',
    '2015-09-12T06:00:00.500Z',
  ],
  ['2024-03-09T00:00-08:00/P1D', '2024-03-09T08:00:00.000Z', '2024-03-10T08:00:00.000Z'],
  ['2024-W10-1/P1W', '2024-03-04T00:00:00.000Z', '2024-03-11T00:00:00.000Z'],
])('%s', (text, start, end) => {
  const { startMs, endMs } = intervalOfText(text);
  expect([iso(startMs), iso(endMs)]).toEqual([start, end]);
});

test('eternity is clamped, not refused', () => {
  expect(intervalOfText('-146136543-09-08T08:23:32.096Z/146140482-04-24T15:36:27.903Z')).toEqual(
    ETERNITY,
  );
});

test.each([
  '2024',
  '2024/2025/2026',
  'P1D/P1D',
  '2024-13-01/P1D',
  '2024-02-30/P1D',
  'x/y',
  '2024/',
  '2024/P0D',
  '2024/Pxx',
])('refuses %s', (text) => {
  expect(() => parseIntervals(text)).toThrow(expect.objectContaining({ code: 'QueryInvalid' }));
});

test('all five forms, sorted and condensed', () => {
  const two = [
    { startMs: Date.UTC(2024, 0, 1), endMs: Date.UTC(2024, 0, 3) },
    { startMs: Date.UTC(2024, 1, 1), endMs: Date.UTC(2024, 1, 2) },
  ];
  for (const form of [
    ['2024-02-01/P1D', '2024-01-01/P1D', '2024-01-02/P1D'],
    '2024-02-01/P1D,2024-01-01/P2D',
    { type: 'intervals', intervals: ['2024-01-01/P2D', '2024-02-01/P1D'] },
  ]) {
    expect(parseIntervals(form).intervals).toEqual(two);
  }
  const segments = parseIntervals({
    type: 'segments',
    segments: [{ itvl: '2024-01-01/P1D', ver: 'v', part: 3 }],
  });
  expect(segments.segments).toMatchObject([{ version: 'v', partition: 3 }]);
  expect(parseIntervals(null)).toMatchObject({ named: false, intervals: [ETERNITY] });
});

test('zones apply where no offset is given', () => {
  expect(instantOfText('2024-07-01', 'America/Los_Angeles')).toBe(Date.UTC(2024, 6, 1, 7));
  expect(instantOfText('nothing')).toBeNull();
});
