import { expect, test } from 'vitest';
import { manualClock } from '../../core/runtime/clock.ts';
import { type PassResult, WorkQueue } from './work-queue.ts';

const DONE: PassResult = { kind: 'done', againMs: 10_000 };

function bench(results: (key: string) => PassResult = () => DONE) {
  const clock = manualClock();
  const queue = new WorkQueue({ clock, random: () => 1 });
  const log: string[] = [];
  const stop = new AbortController();
  const gates: (() => void)[] = [];
  let isHeld = false;
  let most = 0;
  let active = 0;
  const pass = async (key: string): Promise<PassResult> => {
    log.push(`${key}@${clock.monotonicMs()}`);
    active++;
    most = Math.max(most, active);
    if (isHeld) await new Promise<void>((resolve) => gates.push(resolve));
    active--;
    return results(key);
  };
  const start = (parallel: number): Promise<void> => queue.run(parallel, pass, stop.signal);
  return {
    clock,
    queue,
    log,
    start,
    stop: () => stop.abort(),
    hold: () => (isHeld = true),
    release: () => {
      isHeld = false;
      for (const open of gates.splice(0)) open();
    },
    most: () => most,
  };
}

test('a key asked for many times is looked at once', async () => {
  const b = bench();
  for (let i = 0; i < 50; i++) b.queue.add('a', 'child');
  const running = b.start(1);
  await b.clock.advance(0);
  expect(b.log).toEqual(['a@0']);
  b.stop();
  await running;
});

test('one pass a key at once; what is asked meanwhile is done afterwards', async () => {
  const b = bench();
  b.hold();
  b.queue.add('a', 'user');
  const running = b.start(4);
  await b.clock.advance(0);
  b.queue.add('a', 'user');
  b.queue.add('a', 'child');
  await b.clock.advance(0);
  expect(b.log).toHaveLength(1);
  b.release();
  await b.clock.advance(200);
  expect(b.log).toHaveLength(2);
  expect(b.most()).toBe(1);
  b.stop();
  await running;
});

test('what a user asked goes first, the resync last', async () => {
  const b = bench();
  b.queue.add('r', 'resync');
  b.queue.add('c', 'child');
  b.queue.add('u', 'user');
  b.queue.add('r2', 'resync');
  b.queue.add('r2', 'user');
  const running = b.start(1);
  await b.clock.advance(0);
  expect(b.log.map((line) => line.split('@')[0])).toEqual(['u', 'r2', 'c', 'r']);
  b.stop();
  await running;
});

test('B8: failures back off, doubling; a success starts anew', async () => {
  let left = 6;
  const b = bench(() => (left-- > 0 ? { kind: 'failed' } : DONE));
  b.queue.add('a', 'child');
  const running = b.start(1);
  await b.clock.advance(5000);
  expect(b.log).toEqual(['a@0', 'a@10', 'a@30', 'a@70', 'a@150', 'a@310', 'a@630']);
  left = 1;
  await b.clock.advance(6000);
  expect(b.log.slice(7)).toEqual(['a@10630', 'a@10640']);
  b.stop();
  await running;
});

test('a key that is gone is forgotten', async () => {
  const b = bench(() => ({ kind: 'gone' }));
  b.queue.add('a', 'child');
  const running = b.start(1);
  await b.clock.advance(1_000_000);
  expect(b.log).toHaveLength(1);
  b.queue.add('a', 'child');
  await b.clock.advance(0);
  expect(b.log).toHaveLength(2);
  b.stop();
  await running;
});

test('an event storm makes ten passes a second, not one an event', async () => {
  const b = bench();
  const running = b.start(1);
  for (let i = 0; i < 1000; i++) {
    b.queue.add('a', 'child');
    await b.clock.advance(1);
  }
  expect(b.log.length).toBeGreaterThanOrEqual(9);
  expect(b.log.length).toBeLessThanOrEqual(11);
  b.stop();
  await running;
});
