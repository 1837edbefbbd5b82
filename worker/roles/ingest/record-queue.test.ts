// Order and gaps on the index thread: a set waits in its middle for a chunk, a freeze behind it waits too, and what
// follows an unreadable set is never indexed (I1).

import { describe, expect, it } from 'vitest';
import { publishSchema } from '../../../test/builders/publish-group.ts';
import { Failure } from '../../../core/runtime/failure.ts';
import { createLineWalker } from '../../source/file/line-walker.ts';
import type { RecordSet } from '../../source/port.ts';
import type { OpenSequence } from './index-messages.ts';
import { RecordIndexer } from './record-indexer.ts';
import { RecordQueue } from './record-queue.ts';

const DAY = 86_400_000;
const SEQUENCE: OpenSequence = {
  type: 'open',
  sequenceId: 's1',
  schema: publishSchema(),
  chunks: [],
  dimensions: [],
  positions: { 0: { offset: 0, watermarkMs: null, leaderEpoch: -1 } },
  end: null,
  samplesMax: 10,
};

function lines(from: number, ...rows: readonly string[]): RecordSet {
  const bytes = new Uint8Array(Buffer.from(rows.map((row) => `${row}\n`).join('')));
  return {
    format: 'lines',
    partition: 0,
    fromOffset: from,
    nextOffset: from + bytes.length,
    bytes,
    aborted: [],
    leaderEpoch: -1,
    lagRecords: 0,
  };
}

function queueOf(walk = createLineWalker()): {
  queue: RecordQueue;
  indexer: RecordIndexer;
  asked: number[];
} {
  const indexer = new RecordIndexer();
  const asked: number[] = [];
  const queue = new RecordQueue(
    indexer,
    (set, out) => walk.walk(set, out),
    (_, timeMs) => asked.push(timeMs),
  );
  return { queue, indexer, asked };
}

const row = (t: number, d: string): string => JSON.stringify({ t, d });

describe('RecordQueue', () => {
  it('waits in the middle of a set for a chunk, with everything behind it', async () => {
    const { queue, asked, indexer } = queueOf();
    await queue.open(SEQUENCE);
    const done: string[] = [];
    const set = queue
      .records(lines(0, row(5, 'a'), row(DAY + 5, 'b'), row(6, 'c')))
      .then((r) => done.push(`set ${r.rows}`));
    const frozen = queue.freeze().then((f) => done.push(`freeze ${f.pieces.length}`));
    expect(asked).toEqual([5]);
    queue.chunk({ interval: { startMs: 0, endMs: DAY }, segmentId: 'day0' });
    expect(asked).toEqual([5, DAY + 5]);
    expect(indexer.size().rows).toBe(1);
    queue.chunk({ interval: { startMs: DAY, endMs: 2 * DAY }, segmentId: 'day1' });
    await Promise.all([set, frozen]);
    expect(done).toEqual(['set 3', 'freeze 2']);
  });

  it('counts rows of a refused chunk as noChunk', async () => {
    const { queue } = queueOf();
    await queue.open({
      ...SEQUENCE,
      chunks: [{ interval: { startMs: 0, endMs: DAY }, segmentId: null }],
    });
    const { counts } = await queue.records(lines(0, row(5, 'a')));
    expect(counts).toEqual({ 'thrownAway/noChunk': 1 });
  });

  it('indexes nothing of a partition behind a set that cannot be read', async () => {
    const walker = createLineWalker();
    let isBroken = true;
    const { queue, indexer } = queueOf({
      walk(set, out) {
        if (isBroken) throw new Failure('corrupt', 'RecordsCorrupt', 'checksum');
        walker.walk(set, out);
      },
    });
    await queue.open({
      ...SEQUENCE,
      chunks: [{ interval: { startMs: 0, endMs: DAY }, segmentId: 'day0' }],
    });
    const first = queue.records(lines(0, row(5, 'a')));
    const second = queue.records(lines(20, row(6, 'b')));
    isBroken = false;
    await expect(first).rejects.toThrow('checksum');
    await expect(second).rejects.toThrow('checksum');
    expect(indexer.position(0)?.offset).toBe(0);
    expect(indexer.size().rows).toBe(0);
  });

  it('stops at the end of a closed sequence, whatever the set holds beyond it', async () => {
    const { queue } = queueOf();
    const first = `${row(5, 'a')}\n`;
    const end = { 0: { offset: first.length, watermarkMs: null, leaderEpoch: -1 } };
    await queue.open({
      ...SEQUENCE,
      end,
      chunks: [{ interval: { startMs: 0, endMs: DAY }, segmentId: 'day0' }],
    });
    const done = await queue.records(lines(0, row(5, 'a'), row(6, 'b')));
    expect(done).toMatchObject({ isEnd: true, rows: 1, position: { offset: first.length } });
  });

  it('fails what waits when it is reset', async () => {
    const { queue } = queueOf();
    await queue.open(SEQUENCE);
    const waiting = queue.records(lines(0, row(5, 'a')));
    queue.reset();
    await expect(waiting).rejects.toMatchObject({ kind: 'fenced', code: 'IndexReset' });
  });
});
