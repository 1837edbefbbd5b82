// Record sets in memory, as the source hands them to the index thread, and the indexer that takes them: the path of a row
// without sockets and threads. Used by the cases that measure parsing and persisting.

import type { IndexData } from '../worker/index/index-data.ts';
import { RecordIndexer } from '../worker/roles/ingest/record-indexer.ts';
import { createKafkaWalker } from '../worker/source/kafka/record-walker.ts';
import type { RecordSet } from '../worker/source/port.ts';
import { createRecordSlices, type RecordWalker } from '../worker/source/walker.ts';
import type { CaseParams } from './case.ts';
import { recordBatch } from './record-batches.ts';
import { openSequence } from './schema.ts';
import { rowBlock, START_MS } from './wikipedia-rows.ts';

/** Rows of a batch; about 1 MiB, as a producer sends that is told to fill its batches. */
export const BATCH_ROWS = 2800;

/** All rows of a run as record sets of one batch. */
export function recordSets(params: CaseParams): readonly RecordSet[] {
  const block = rowBlock(params);
  const sets: RecordSet[] = [];
  for (let first = 0; first < params.rows; first += BATCH_ROWS) {
    const next = Math.min(params.rows, first + BATCH_ROWS);
    const batch = recordBatch(block, first, next, { baseOffset: first, timestampMs: START_MS });
    sets.push({
      format: 'kafka-v2',
      partition: 0,
      fromOffset: first,
      nextOffset: next,
      bytes: new Uint8Array(batch),
      aborted: [],
      leaderEpoch: 0,
      lagRecords: 0,
    });
  }
  return sets;
}

/** Indexes record sets as the index thread does. */
export class SetIndexer {
  readonly #indexer: RecordIndexer = new RecordIndexer();
  readonly #walker: RecordWalker;
  readonly #slices = createRecordSlices();
  readonly #dimensions: readonly string[];

  constructor({ dimensions, checkCrc = true }: CaseParams) {
    this.#dimensions = dimensions;
    this.#walker = createKafkaWalker({ checkCrc });
  }

  /** A new sequence with all the sets, frozen. */
  index(sets: readonly RecordSet[]): IndexData {
    this.#indexer.reset();
    this.#indexer.open(openSequence(this.#dimensions, [0]));
    for (const set of sets) {
      this.#walker.walk(set, this.#slices);
      this.#indexer.add(0, this.#slices, 0);
    }
    const [piece] = this.#indexer.freeze();
    if (piece === undefined) throw new Error('nothing was indexed');
    return piece.data;
  }
}
