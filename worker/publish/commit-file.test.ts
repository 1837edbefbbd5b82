// The restore rule: hydrants count only for the sequence, start and end they were written under (histories 5, 12).

import { mkdir, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SequenceState } from '../../core/metadata/values.ts';
import { type Commit, readCommit, removeOtherSequences, writeCommit } from './commit-file.ts';

const START = { 0: { offset: 10, watermarkMs: null, leaderEpoch: -1, epoch: 4 } };
const SEQUENCE: SequenceState = {
  id: 'u-g0-1',
  group: 'g0',
  n: 1,
  schemaRevision: 1,
  rowFormat: 1,
  openedMs: 0,
  start: START,
  state: 'open',
};
const at = (
  offset: number,
): Record<string, { offset: number; watermarkMs: null; leaderEpoch: number }> => ({
  0: { offset, watermarkMs: null, leaderEpoch: -1 },
});

describe('commit file', () => {
  let dir: string;
  const commit: Commit = {
    v: 1,
    sequenceId: SEQUENCE.id,
    start: START,
    positions: at(50),
    hydrants: [
      {
        dir: 'hydrant-1',
        segmentId: 's',
        interval: 'a/b',
        version: 'v',
        partition: 0,
        rows: 1,
        bytes: 1,
      },
    ],
    dimensions: ['d'],
    badRecords: 3,
  };

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'sluice-commit-'));
    for (const name of ['hydrant-1', 'hydrant-2']) await mkdir(join(dir, name));
    await writeFile(join(dir, 'merged.zip'), 'half');
    await writeCommit(dir, commit);
  });

  afterEach(() => rm(dir, { recursive: true, force: true }));

  it('keeps exactly the hydrants it names', async () => {
    expect(await readCommit(dir, SEQUENCE)).toEqual(commit);
    expect((await readdir(dir)).toSorted()).toEqual(['commit.json', 'hydrant-1']);
  });

  it.each<[string, SequenceState]>([
    ['another start offset', { ...SEQUENCE, start: { 0: { ...START[0], offset: 11 } } }],
    ['another epoch', { ...SEQUENCE, start: { 0: { ...START[0], epoch: 5 } } }],
    ['another sequence', { ...SEQUENCE, id: 'u-g0-2' }],
    ['another set of partitions', { ...SEQUENCE, start: { ...START, 1: START[0] } }],
    ['an end that was cut without this worker', { ...SEQUENCE, end: at(49), state: 'closed' }],
  ])('drops everything for %s', async (_, sequence) => {
    expect(await readCommit(dir, sequence)).toBeUndefined();
    expect(await readdir(dir)).toEqual([]);
  });

  it('is used up to its end when the end is not passed', async () => {
    expect(await readCommit(dir, { ...SEQUENCE, end: at(50), state: 'closed' })).toEqual(commit);
  });

  it('drops everything when it is torn', async () => {
    await truncate(join(dir, 'commit.json'), 40);
    expect(await readCommit(dir, SEQUENCE)).toBeUndefined();
    expect(await readdir(dir)).toEqual([]);
  });

  it('removes folders of other sequences', async () => {
    await removeOtherSequences(dir, ['hydrant-2']);
    expect(await readdir(dir)).toEqual(['hydrant-2']);
  });
});
