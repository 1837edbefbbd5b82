// Files as a source, for local mode: each path is a partition, each line a record, and a file at its end is
// watched for more. One loop per assigned file feeds the bounded queue.

import { type Clock, systemClock } from '../../../core/runtime/clock.ts';
import { Failure, isFailure } from '../../../core/runtime/failure.ts';
import { type BufferPool, createBufferPool } from '../buffer-pool.ts';
import { createFetchedQueue, type FetchedQueue } from '../fetched-queue.ts';
import type { Fetched, Source, SourceIdentity, SourceStop, StartFrom } from '../port.ts';
import { identityOf, readBeginning, textBytes } from './file-identity.ts';
import { createFileTail, type FileTail, type FileTailOptions } from './file-tail.ts';

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
  return new FileSource(options);
}

class FileSource implements Source {
  readonly #paths: readonly string[];
  readonly #tailOptions: FileTailOptions;
  readonly #queue: FetchedQueue;
  readonly #running = new Map<number, AbortController>();
  readonly #ended: Promise<void>[] = [];

  constructor(options: FileSourceOptions) {
    const bufferBytesMax = options.bufferBytesMax ?? 32 * 1024 * 1024;
    this.#paths = options.paths;
    this.#queue = createFetchedQueue(bufferBytesMax);
    this.#tailOptions = {
      blockBytes: options.blockBytes ?? 1024 * 1024,
      pollMs: options.pollMs ?? 200,
      settleMs: options.settleMs ?? 500,
      pool: createBufferPool(bufferBytesMax),
      clock: options.clock ?? systemClock,
    };
  }

  #pathOf(partition: number): string {
    const path = this.#paths[partition];
    if (path !== undefined) return path;
    const text = `there is no file for partition ${partition} of ${this.#paths.length}`;
    throw new Failure('bug', 'AssertionFailed', text);
  }

  async identity(): Promise<SourceIdentity> {
    const ids = await Promise.all(
      this.#paths.map(async (path) => identityOf(await readBeginning(path))),
    );
    return { id: `file/${ids.join('+')}`, partitions: this.#paths.map((_, i) => i) };
  }

  async resolve(
    partitions: readonly number[],
    start: StartFrom,
  ): Promise<ReadonlyMap<number, number>> {
    if (start.from === 'Timestamp') {
      const text =
        'start.from Timestamp: lines of a file have no time of their own; use Earliest, Latest or Offsets';
      throw new Failure('config', 'StartUnsupported', text);
    }
    if (start.from === 'Latest') return this.endOffsets(partitions);
    const named = start.from === 'Offsets' ? start.offsets : new Map<number, number>();
    return new Map(partitions.map((partition) => [partition, named.get(partition) ?? 0]));
  }

  async endOffsets(partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const ends = partitions.map(async (p): Promise<[number, number]> => [
      p,
      await textBytes(this.#pathOf(p)),
    ]);
    return new Map(await Promise.all(ends));
  }

  assign(partition: number, offset: number): void {
    this.unassign(partition);
    const stop = new AbortController();
    const { pool, clock } = this.#tailOptions;
    const tail = createFileTail(this.#pathOf(partition), offset, this.#tailOptions);
    this.#running.set(partition, stop);
    this.#ended.push(
      runTail(partition, tail, { queue: this.#queue, pool, clock, stopped: stop.signal }),
    );
  }

  unassign(partition: number): void {
    this.#running.get(partition)?.abort();
    this.#running.delete(partition);
    for (const fetched of this.#queue.drop(partition)) {
      if (fetched.kind === 'records') this.recycle(fetched.set.bytes);
    }
  }

  next(signal: AbortSignal): Promise<readonly Fetched[]> {
    return this.#queue.take(signal);
  }

  recycle(bytes: Uint8Array<ArrayBuffer>): void {
    this.#tailOptions.pool.give(bytes);
  }

  async close(): Promise<void> {
    for (const partition of this.#running.keys()) this.unassign(partition);
    this.#queue.close();
    await Promise.all(this.#ended);
  }
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
