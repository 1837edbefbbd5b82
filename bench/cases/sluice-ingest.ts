// Our side of the ingest benchmark: the Kafka source on the main thread, record sets handed to the real index thread as
// fill.ts does it, everything rolled up there.

import type {
  Frozen,
  IndexEvent,
  IndexRequest,
  RecordsDone,
} from '../../worker/roles/ingest/index-messages.ts';
import { startThread, type Thread } from '../../worker/roles/threads/thread.ts';
import { openKafkaSource } from '../../worker/source/kafka/source.ts';
import type { Source } from '../../worker/source/port.ts';
import { type BenchCase, type CaseParams, measured } from '../case.ts';
import { indexAnswer } from '../group-hash.ts';
import { openSequence } from '../schema.ts';

/** As in fill.ts. */
const IN_FLIGHT_MAX = 4;
const PATIENCE_MS = 60_000;

/** Opens the case. */
export async function open(params: CaseParams): Promise<BenchCase> {
  const { kafka } = params;
  if (kafka === undefined) throw new Error('sluice-ingest needs a topic');
  const source = openKafkaSource({
    connection: { bootstrapServers: [kafka.broker], clientId: 'bench' },
    topic: kafka.topic,
  });
  const { partitions } = await source.identity(AbortSignal.timeout(PATIENCE_MS));
  const index: Thread<IndexRequest, IndexEvent> = startThread(
    new URL('../../worker/roles/ingest/index-thread.ts', import.meta.url),
    { name: 'index' },
  );
  return {
    async pass() {
      await index.call({ type: 'reset' });
      await index.call(openSequence(params.dimensions, partitions));
      const { value: frozen, ...times } = await measured(async () => {
        for (const partition of partitions) source.assign(partition, 0, -1);
        await readAll(source, index, params.rows);
        return index.call<Frozen>({ type: 'freeze' });
      });
      for (const partition of partitions) source.unassign(partition);
      const [piece] = frozen.pieces;
      if (piece === undefined) throw new Error('nothing was indexed');
      return { ...times, answer: indexAnswer(piece.data, params.dimensions) };
    },
    async close() {
      await source.close();
      await index.close();
    },
  };
}

async function readAll(
  source: Source,
  index: Thread<IndexRequest, IndexEvent>,
  rows: number,
): Promise<void> {
  const flight = new Set<Promise<void>>();
  // The last sets are on their way while nothing is left to fetch, so that waiting for more must end by itself.
  const enough = new AbortController();
  const signal = AbortSignal.any([enough.signal, AbortSignal.timeout(PATIENCE_MS)]);
  let processed = 0;
  while (!signal.aborted) {
    for (const item of await source.next(signal)) {
      if (item.kind === 'stopped') throw new Error(item.stop.reason);
      const { set } = item;
      const done = index
        .call<RecordsDone>({ type: 'records', set }, [set.bytes.buffer])
        .then((answer) => {
          processed += answer.counts['processed'] ?? 0;
          if (processed >= rows) enough.abort();
          source.recycle(answer.buffer);
        })
        .finally(() => flight.delete(done));
      flight.add(done);
      while (flight.size >= IN_FLIGHT_MAX) await Promise.race(flight);
    }
  }
  await Promise.all(flight);
  if (processed < rows)
    throw new Error(`${processed} of ${rows} rows came within ${PATIENCE_MS} ms`);
}
