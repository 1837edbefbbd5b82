// Files as a source, for local mode: each path is a partition, each line a record, and a file at its end is
// watched for more. One loop per assigned file feeds the bounded queue.

import { type Clock, systemClock } from '../../../core/runtime/clock.ts';
import { Failure, isFailure } from '../../../core/runtime/failure.ts';
import { type BufferPool, createBufferPool } from '../buffer-pool.ts';
import { createFetchedQueue, type FetchedQueue } from '../fetched-queue.ts';
import type { Source, SourceStop } from '../port.ts';
import { identityOf, readBeginning, textBytes } from './file-identity.ts';
import { createFileTail, type FileTail } from './file-tail.ts';

/** What to read. */
export interface FileSourceOptions {
  /** Partition i is the i-th path. */
  readonly paths: readonly string[];
  /** Most bytes read and not yet taken; default 32 MiB. */
  readonly bufferBytesMax?: number;
  /** Bytes of one set; default 1 MiB. A longer line makes a longer set. */
  readonly blockBytes?: number;
  /** How often a file at its end is looked at; default 200 ms. */
  readonly pollMs?: number;
  /** How long a last line without an end must stand still until it is taken; default 500 ms. */
  readonly settleMs?: number;
  readonly clock?: Clock;
}

/** Opens the source; files are opened when their partition is assigned. */
export function openFileSource(options: FileSourceOptions): Source {
  const { paths, clock = systemClock } = options;
  const bufferBytesMax = options.bufferBytesMax ?? 32 * 1024 * 1024;
  const queue = createFetchedQueue(bufferBytesMax);
  const pool = createBufferPool(bufferBytesMax);
  const running = new Map<
    number,
    { readonly stop: AbortController; readonly ended: Promise<void> }
  >();
  const ended: Promise<void>[] = [];

  const pathOf = (partition: number): string => {
    const path = paths[partition];
    if (path === undefined)
      throw new Failure(
        'bug',
        'AssertionFailed',
        `there is no file for partition ${partition} of ${paths.length}`,
      );
    return path;
  };

  function unassign(partition: number): void {
    running.get(partition)?.stop.abort();
    running.delete(partition);
    for (const fetched of queue.drop(partition))
      if (fetched.kind === 'records') pool.give(fetched.set.bytes);
  }

  return {
    async identity() {
      const ids = await Promise.all(
        paths.map(async (path) => identityOf(await readBeginning(path))),
      );
      return { id: `file/${ids.join('+')}`, partitions: paths.map((_, i) => i) };
    },
    async resolve(partitions, start) {
      if (start.from === 'Timestamp') {
        throw new Failure(
          'config',
          'StartUnsupported',
          'start.from Timestamp: lines of a file have no time of their own; use Earliest, Latest or Offsets',
        );
      }
      const offset = async (partition: number): Promise<number> => {
        if (start.from === 'Latest') return textBytes(pathOf(partition));
        return start.from === 'Offsets' ? (start.offsets.get(partition) ?? 0) : 0;
      };
      return new Map(
        await Promise.all(
          partitions.map(async (p): Promise<[number, number]> => [p, await offset(p)]),
        ),
      );
    },
    assign(partition, offset) {
      unassign(partition);
      const stop = new AbortController();
      const tail = createFileTail(pathOf(partition), offset, {
        blockBytes: options.blockBytes ?? 1024 * 1024,
        pollMs: options.pollMs ?? 200,
        settleMs: options.settleMs ?? 500,
        pool,
        clock,
      });
      const loop = runTail(partition, tail, { queue, pool, clock, stopped: stop.signal });
      running.set(partition, { stop, ended: loop });
      ended.push(loop);
    },
    unassign,
    next: (signal) => queue.take(signal),
    recycle: (bytes) => pool.give(bytes),
    endOffsets: async (partitions) =>
      new Map(
        await Promise.all(
          partitions.map(async (p): Promise<[number, number]> => [p, await textBytes(pathOf(p))]),
        ),
      ),
    async close() {
      for (const partition of running.keys()) unassign(partition);
      queue.close();
      await Promise.all(ended);
    },
  };
}

interface TailContext {
  readonly queue: FetchedQueue;
  readonly pool: BufferPool;
  readonly clock: Clock;
  readonly stopped: AbortSignal;
}

const RETRY_MS = 500;

async function runTail(
  partition: number,
  tail: FileTail,
  { queue, pool, clock, stopped }: TailContext,
): Promise<void> {
  try {
    while (!stopped.aborted) {
      await queue.untilRoom(stopped);
      if (stopped.aborted) return;
      const block = await nextBlock(tail, partition, stopped, clock);
      if (block === undefined) continue;
      if (stopped.aborted) {
        if ('bytes' in block) pool.give(block.bytes);
        return;
      }
      if (!('bytes' in block)) {
        queue.push({ kind: 'stopped', stop: block });
        return;
      }
      const { bytes, fromOffset } = block;
      const nextOffset = fromOffset + bytes.length;
      // How many lines wait is not known without reading them.
      queue.push({
        kind: 'records',
        set: {
          format: 'lines',
          partition,
          fromOffset,
          nextOffset,
          bytes,
          aborted: [],
          leaderEpoch: -1,
          lagRecords: 0,
        },
      });
    }
  } finally {
    await tail.close();
  }
}

type Block = { readonly bytes: Uint8Array<ArrayBuffer>; readonly fromOffset: number };

/** The next lines, why the file cannot be read on, or undefined to try again. */
async function nextBlock(
  tail: FileTail,
  partition: number,
  stopped: AbortSignal,
  clock: Clock,
): Promise<Block | SourceStop | undefined> {
  try {
    return await tail.next(stopped);
  } catch (error) {
    if (isFailure(error, 'transient')) {
      await clock.sleep(RETRY_MS, stopped);
      return undefined;
    }
    if (!isFailure(error) || error.kind === 'bug') throw error;
    const reason = error.code === 'SourceFileMissing' ? 'TopicMissing' : 'FileChanged';
    return { reason, partition, message: error.message };
  }
}
