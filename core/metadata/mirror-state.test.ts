import { expect, test } from 'vitest';
import { manualClock } from '../runtime/clock.ts';
import { createMirrorState } from './mirror-state.ts';
import type { Change, Versioned } from './port.ts';

const entry = (key: string, value: string, modRevision: number): Versioned => ({
  key,
  value,
  modRevision,
  createRevision: 1,
});
const hooks = { clock: manualClock(), onClose: () => undefined, onBehind: () => undefined };

test('a list of a store that went back in time replaces newer entries', () => {
  const seen: Change[] = [];
  const state = createMirrorState((changes) => void seen.push(...changes), hooks);
  state.replace([entry('a', 'new', 9), entry('b', 'same', 2)], 9);
  seen.length = 0;
  state.replace([entry('a', 'old', 3), entry('b', 'same', 2)], 5);
  expect(seen).toMatchObject([
    { type: 'put', entry: { key: 'a', value: 'old' }, previous: { value: 'new' } },
  ]);
  expect(state.mirror.revision()).toBe(5);
});

test('events that a list has brought already are not told again', () => {
  const seen: Change[] = [];
  const state = createMirrorState((changes) => void seen.push(...changes), hooks);
  state.replace([entry('a', '1', 4)], 7);
  state.apply([{ key: 'a', entry: undefined }], 3);
  state.apply([{ key: 'a', entry: entry('a', '1', 4) }], 4);
  expect(seen).toHaveLength(1);
  state.apply([{ key: 'a', entry: undefined }], 8);
  expect(seen.at(-1)).toMatchObject({ type: 'delete', previous: { value: '1' } });
});
