// What every source must do, run unchanged on files and on a real Kafka.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Fetched, RecordSet, Source, SourceStop } from './port.ts';
import { createRecordSlices, type RecordWalker } from './walker.ts';

/** A stream with two partitions that a test can write to, and sources that read it. */
export interface SourceUnderTest {
  /** A fresh stream for one test; partitions 0 and 1 exist. */
  readonly stream: () => Promise<StreamUnderTest>;
  readonly close: () => Promise<void>;
}

/** One stream. */
export interface StreamUnderTest {
  /** A source of its own; bounds so small that back-pressure shows. Closed by the test. */
  readonly open: (options?: { readonly bufferBytesMax?: number }) => Source;
  readonly walker: RecordWalker;
  readonly append: (partition: number, values: readonly string[]) => Promise<void>;
  /** Replaces the stream by another of the same name. */
  readonly replace: () => Promise<void>;
}

/** A record as tests compare it. */
export interface ReadRecord {
  readonly offset: number;
  readonly value: string | null;
}

/** Reads from a source until `enough`, with the records of each partition in order. @throws after 15 s */
export async function readUntil(
  source: Source,
  walker: RecordWalker,
  enough: (
    records: ReadonlyMap<number, readonly ReadRecord[]>,
    stops: readonly SourceStop[],
    sets: readonly RecordSet[],
  ) => boolean,
): Promise<{ records: Map<number, ReadRecord[]>; stops: SourceStop[]; sets: RecordSet[] }> {
  const records = new Map<number, ReadRecord[]>();
  const stops: SourceStop[] = [];
  const sets: RecordSet[] = [];
  const slices = createRecordSlices();
  const deadline = AbortSignal.timeout(15_000);
  const note = (fetched: Fetched): void => {
    if (fetched.kind === 'stopped') return void stops.push(fetched.stop);
    const { set } = fetched;
    walker.walk(set, slices);
    const list = records.get(set.partition) ?? [];
    records.set(set.partition, list);
    for (let i = 0; i < slices.count; i++) {
      const start = slices.starts[i] ?? -1;
      const value =
        start < 0 ? null : Buffer.from(slices.bytes.subarray(start, slices.ends[i])).toString();
      list.push({ offset: slices.offsets[i] ?? -1, value });
    }
    // Remember all but the bytes: those go back.
    sets.push({ ...set, bytes: new Uint8Array(0) });
    source.recycle(set.bytes);
  };
  while (!enough(records, stops, sets)) {
    if (deadline.aborted) {
      const counts = [...records].map(([p, list]) => `${p}: ${list.length}`).join(', ');
      throw new Error(`not enough was read in time: ${counts}; stops: ${JSON.stringify(stops)}`);
    }
    for (const fetched of await source.next(deadline)) note(fetched);
  }
  return { records, stops, sets };
}

const values = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
const NEVER = new AbortController().signal;
const EARLIEST = { from: 'Earliest' } as const;
const LATEST = { from: 'Latest' } as const;

/** Runs the contract, or skips it with the reason. */
export function sourceContract(name: string, open: () => Promise<SourceUnderTest | string>): void {
  describe(`source contract: ${name}`, () => {
    let under: SourceUnderTest | undefined;
    let reason = '';
    beforeAll(async () => {
      const opened = await open();
      if (typeof opened === 'string') reason = opened;
      else under = opened;
    });
    afterAll(() => under?.close());
    const check = (
      title: string,
      body: (stream: StreamUnderTest, open: StreamUnderTest['open']) => Promise<void>,
    ): void => {
      test(title, async (context) => {
        if (under === undefined) return context.skip(reason);
        const stream = await under.stream();
        const sources: Source[] = [];
        try {
          await body(stream, (options) => {
            const source = stream.open(options);
            sources.push(source);
            return source;
          });
        } finally {
          await Promise.all(sources.map((source) => source.close()));
        }
      });
    };
    positions(check);
    bounds(check);
  });
}

type Check = (
  title: string,
  body: (stream: StreamUnderTest, open: StreamUnderTest['open']) => Promise<void>,
) => void;

function positions(check: Check): void {
  check(
    'every record of each partition comes once, in order, from the earliest on',
    async (stream, open) => {
      const expected = [values('a', 3000), values('b', 10)];
      for (const [partition, list] of expected.entries()) await stream.append(partition, list);
      const source = open();
      const starts = await source.resolve([0, 1], EARLIEST, NEVER);
      for (const [partition, offset] of starts) source.assign(partition, offset, -1);
      const { records, sets } = await readUntil(
        source,
        stream.walker,
        (r) => r.get(0)?.length === 3000 && r.get(1)?.length === 10,
      );
      for (const [partition, list] of expected.entries())
        expect(records.get(partition)?.map((r) => r.value)).toEqual(list);
      const ends = await source.endOffsets([0, 1], NEVER);
      for (const partition of [0, 1]) {
        const mine = sets.filter((set) => set.partition === partition);
        // Sets join without a gap or an overlap, and the last ends at the end.
        expect(mine[0]?.fromOffset).toBe(starts.get(partition));
        for (const [i, set] of mine.slice(1).entries())
          expect(set.fromOffset).toBe(mine[i]?.nextOffset);
        expect(mine.at(-1)?.nextOffset).toBe(ends.get(partition));
        expect(mine.at(-1)?.lagRecords).toBe(0);
        const offsets = records.get(partition)?.map((r) => r.offset) ?? [];
        expect(offsets).toEqual([...new Set(offsets)].toSorted((a, b) => a - b));
      }
    },
  );

  check(
    'reading on from any record gives that record and all that follow',
    async (stream, open) => {
      await stream.append(0, values('a', 200));
      const first = open();
      first.assign(0, 0, -1);
      const all =
        (await readUntil(first, stream.walker, (r) => r.get(0)?.length === 200)).records.get(0) ??
        [];
      for (const from of [1, 57, 199]) {
        const source = open();
        const start = await source.resolve(
          [0],
          { from: 'Offsets', offsets: new Map([[0, all[from]?.offset ?? -1]]) },
          NEVER,
        );
        source.assign(0, start.get(0) ?? -1, -1);
        const { records } = await readUntil(
          source,
          stream.walker,
          (r) => r.get(0)?.length === 200 - from,
        );
        expect(records.get(0)).toEqual(all.slice(from));
      }
    },
  );

  check('latest gives only what comes later; a waiting reader gets it', async (stream, open) => {
    await stream.append(0, values('old', 20));
    const source = open();
    const start = await source.resolve([0], LATEST, NEVER);
    source.assign(0, start.get(0) ?? -1, -1);
    const reading = readUntil(source, stream.walker, (r) => r.get(0)?.length === 2);
    await stream.append(0, ['new-0', 'new-1']);
    expect((await reading).records.get(0)?.map((r) => r.value)).toEqual(['new-0', 'new-1']);
  });

  check(
    'partitions without an offset of their own start at the earliest',
    async (_stream, open) => {
      const source = open();
      const start = await source.resolve(
        [0, 1],
        { from: 'Offsets', offsets: new Map([[1, 7]]) },
        NEVER,
      );
      expect([...start].toSorted(([a], [b]) => a - b)).toEqual([
        [0, 0],
        [1, 7],
      ]);
    },
  );

  check(
    'assigning again replaces the position; a partition taken away gives nothing more',
    async (stream, open) => {
      await stream.append(0, values('a', 50));
      await stream.append(1, values('b', 50));
      const source = open();
      source.assign(0, 0, -1);
      source.assign(1, 0, -1);
      await readUntil(
        source,
        stream.walker,
        (r) => r.get(0)?.length === 50 && r.get(1)?.length === 50,
      );
      source.unassign(1);
      await stream.append(1, ['unseen']);
      source.assign(0, 0, -1);
      const { records } = await readUntil(source, stream.walker, (r) => r.get(0)?.length === 50);
      expect(records.get(1)).toBeUndefined();
    },
  );

  check(
    'the identity stays while the stream grows and differs after it is replaced',
    async (stream, open) => {
      await stream.append(0, ['first']);
      await stream.append(1, ['first']);
      const source = open();
      const before = await source.identity(NEVER);
      expect(before.partitions).toEqual([0, 1]);
      await stream.append(0, values('more', 1000));
      expect(await source.identity(NEVER)).toEqual(before);
      expect(await open().identity(NEVER)).toEqual(before);
      await stream.replace();
      await stream.append(0, ['another']);
      expect((await open().identity(NEVER)).id).not.toBe(before.id);
    },
  );

  check(
    'a stream that is replaced while it is read stops, and gives nothing of the new one',
    async (stream, open) => {
      await stream.append(0, values('old', 5));
      const source = open();
      source.assign(0, 0, -1);
      await readUntil(source, stream.walker, (r) => r.get(0)?.length === 5);
      // The reader has come to rest at the end: whatever it reads next is new.
      await new Promise((resolve) => setTimeout(resolve, 100));
      await stream.replace();
      // More than before: the old position lies within the new stream.
      await stream.append(0, values('new', 500));
      const { records, stops } = await readUntil(source, stream.walker, (_, s) => s.length > 0);
      expect(records.get(0) ?? []).toEqual([]);
      expect(stops[0]).toMatchObject({
        partition: 0,
        reason: expect.stringMatching(/TopicRecreated|FileChanged/),
      });
    },
  );

  check('a position behind the end is told, not guessed', async (stream, open) => {
    await stream.append(0, values('a', 5));
    const source = open();
    source.assign(0, 1_000_000, -1);
    const { stops } = await readUntil(source, stream.walker, (_, s) => s.length > 0);
    expect(stops).toMatchObject([
      { partition: 0, reason: expect.stringMatching(/OffsetOutOfRange|FileChanged/) },
    ]);
  });
}

function bounds(check: Check): void {
  check('next waits, and an abort ends the wait with nothing', async (stream, open) => {
    await stream.append(0, ['x']);
    const source = open();
    source.assign(0, 0, -1);
    await readUntil(source, stream.walker, (r) => r.get(0)?.length === 1);
    const stop = new AbortController();
    const waiting = source.next(stop.signal);
    stop.abort();
    expect(await waiting).toEqual([]);
  });

  check('nobody reads: no more than the bound is held; then all comes', async (stream, open) => {
    const long = 'x'.repeat(1000);
    const list = Array.from({ length: 4000 }, (_, i) => `${i}-${long}`);
    for (let i = 0; i < list.length; i += 500) await stream.append(0, list.slice(i, i + 500));
    const bufferBytesMax = 1_000_000;
    const source = open({ bufferBytesMax });
    source.assign(0, 0, -1);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const held = await source.next(NEVER);
    const bytes = held.reduce((sum, f) => sum + (f.kind === 'records' ? f.set.bytes.length : 0), 0);
    expect(bytes).toBeGreaterThan(0);
    // One set more than the bound may have been on its way.
    expect(bytes).toBeLessThan(bufferBytesMax + 1_100_000);
    const next = held.at(-1);
    source.assign(0, next?.kind === 'records' ? next.set.nextOffset : -1, -1);
    const slices = createRecordSlices();
    let before = 0;
    for (const f of held) {
      if (f.kind !== 'records') continue;
      stream.walker.walk(f.set, slices);
      before += slices.count;
    }
    const { records } = await readUntil(
      source,
      stream.walker,
      (r) => r.get(0)?.length === 4000 - before,
    );
    expect(records.get(0)?.at(-1)?.value).toBe(list.at(-1));
  });

  check('after close next gives nothing', async (stream, open) => {
    await stream.append(0, values('a', 100));
    const source = open();
    source.assign(0, 0, -1);
    await source.close();
    expect(await source.next(NEVER)).toEqual([]);
  });
}
