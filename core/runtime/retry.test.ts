import { expect, test } from 'vitest';
import { manualClock } from './clock.ts';
import { Failure } from './failure.ts';
import { backoffMs, DEFAULT_RETRY, retry } from './retry.ts';
import { orAborted, withTimeout } from './timeout.ts';

const transient = (): Failure => new Failure('transient', 'StoreUnavailable', 'no answer');

test('transient failures are tried again up to the bound, with growing pauses', async () => {
  const clock = manualClock();
  const startsMs: number[] = [];
  const work = retry(
    () => {
      startsMs.push(clock.monotonicMs());
      return Promise.reject(transient());
    },
    { clock, random: () => 1, policy: { attempts: 4, delayMs: 100, delayMaxMs: 250 } },
  );
  const outcome = expect(work).rejects.toMatchObject({ code: 'StoreUnavailable' });
  await clock.advance(10_000);
  await outcome;
  expect(startsMs).toEqual([0, 100, 300, 550]);
});

test('any other failure surfaces at once', async () => {
  let calls = 0;
  const work = retry(
    () => {
      calls++;
      return Promise.reject(new Failure('config', 'BucketMissing', 'create it'));
    },
    { clock: manualClock() },
  );
  await expect(work).rejects.toMatchObject({ kind: 'config' });
  expect(calls).toBe(1);
});

test('a pause is at least half of the full one and never above the cap', () => {
  for (let attempt = 1; attempt < 60; attempt++) {
    const full = Math.min(DEFAULT_RETRY.delayMaxMs, DEFAULT_RETRY.delayMs * 2 ** (attempt - 1));
    expect(backoffMs(DEFAULT_RETRY, attempt, () => 0)).toBe(full / 2);
    expect(backoffMs(DEFAULT_RETRY, attempt, () => 0.999)).toBeLessThanOrEqual(full);
  }
});

test('a time-out and an abort end the wait for work that never settles', async () => {
  const clock = manualClock();
  const never = new Promise<number>(() => undefined);
  const late = expect(withTimeout(never, 50, clock, transient)).rejects.toMatchObject({
    kind: 'transient',
  });
  await clock.advance(50);
  await late;
  await expect(withTimeout(Promise.resolve(7), 50, clock, transient)).resolves.toBe(7);
  await expect(withTimeout(Promise.reject(new Error('own')), 50, clock, transient)).rejects.toThrow(
    'own',
  );
  const stop = new AbortController();
  const aborted = expect(orAborted(never, stop.signal, transient)).rejects.toMatchObject({
    kind: 'transient',
  });
  stop.abort();
  await aborted;
  expect(clock.sleepers()).toBe(0);
});
