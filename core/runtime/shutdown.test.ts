import { expect, test } from 'vitest';
import { manualClock } from './clock.ts';
import { NO_LOG } from './log.ts';
import { createShutdown } from './shutdown.ts';

test('parts stop in reverse order, each after the one before; a failing one does not hold up the rest', async () => {
  const shutdown = createShutdown({ deadlineMs: 1000, clock: manualClock(), log: NO_LOG });
  const order: string[] = [];
  shutdown.onStop('store', async () => void order.push('store'));
  shutdown.onStop('broken', () => Promise.reject(new Error('x')));
  shutdown.onStop('http', async () => void order.push('http'));
  expect(shutdown.signal.aborted).toBe(false);
  expect(await shutdown.stop('test')).toBe(false);
  expect(shutdown.signal.aborted).toBe(true);
  expect(order).toEqual(['http', 'store']);
  expect(await shutdown.stop('again')).toBe(false);
  expect(order).toHaveLength(2);
});

test('a part that hangs is told at the deadline and the end comes anyway', async () => {
  const clock = manualClock();
  const shutdown = createShutdown({ deadlineMs: 1000, clock, log: NO_LOG });
  let told = false;
  shutdown.onStop('hangs', (deadline) => {
    deadline.addEventListener('abort', () => (told = true));
    return new Promise(() => undefined);
  });
  const stopped = shutdown.stop('test');
  await clock.advance(1000);
  expect(await stopped).toBe(false);
  expect(told).toBe(true);
});
