import { expect, test } from 'vitest';
import { manualClock, systemClock } from './clock.ts';

test('a manual clock wakes sleepers in order, each at its own moment', async () => {
  const clock = manualClock(1000);
  const seen: [string, number][] = [];
  const note =
    (name: string): (() => void) =>
    () =>
      void seen.push([name, clock.nowMs()]);
  void clock.sleep(20).then(note('b'));
  void clock
    .sleep(10)
    .then(note('a'))
    .then(() => clock.sleep(5))
    .then(note('c'));
  await clock.advance(30);
  expect(seen).toEqual([
    ['a', 1010],
    ['c', 1015],
    ['b', 1020],
  ]);
  expect(clock.monotonicMs()).toBe(30);
});

test('an aborted sleep ends at once, on both clocks', async () => {
  for (const clock of [systemClock, manualClock()]) {
    const stop = new AbortController();
    const sleep = clock.sleep(60_000, stop.signal);
    stop.abort();
    await expect(sleep).resolves.toBeUndefined();
    await expect(clock.sleep(60_000, stop.signal)).resolves.toBeUndefined();
  }
});
