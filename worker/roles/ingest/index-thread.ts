// The index thread of an ingest worker: walks record sets, parses, indexes, and answers queries on rows still in
// memory between two record sets. Fed by the main thread; see index-messages.ts.

import { createLineWalker } from '../../source/file/line-walker.ts';
import { createKafkaWalker } from '../../source/kafka/record-walker.ts';
import { indexView } from '../../index/index-view.ts';
import type { RecordSet, RecordSlices } from '../../source/port.ts';
import { QuerySessions } from '../data-node/query-sessions.ts';
import { freeSharedMemory } from '../threads/collect.ts';
import { type Answer, serveThread } from '../threads/thread.ts';
import type { IndexEvent, IndexRequest } from './index-messages.ts';
import { RecordIndexer } from './record-indexer.ts';
import { RecordQueue } from './record-queue.ts';
import { metadataOf } from './segment-metadata.ts';

const indexer = new RecordIndexer();
const sessions = new QuerySessions();
const kafkaWalker = createKafkaWalker();
const lineWalker = createLineWalker();
let queue: RecordQueue | undefined;

serveThread<IndexRequest, IndexEvent>(async (request, emit): Promise<Answer> => {
  queue ??= new RecordQueue(indexer, walk, (sequenceId, timeMs) =>
    emit({ type: 'needChunk', sequenceId, timeMs }),
  );
  switch (request.type) {
    case 'open':
      return { value: await queue.open(request) };
    case 'records': {
      const done = await queue.records(request.set);
      return { value: done, transfer: [done.buffer.buffer] };
    }
    case 'chunk':
      return { value: queue.chunk(request.chunk) };
    case 'freeze':
      return { value: await queue.freeze() };
    case 'drop':
      indexer.drop(request.pieces);
      freeSharedMemory();
      return { value: undefined };
    case 'reset':
      return { value: queue.reset() };
    case 'samples':
      return { value: indexer.samples };
    case 'next':
      return sessions.next(request.session);
    case 'end':
      return { value: sessions.end(request.session) };
    case 'query': {
      const except = new Set(request.except);
      const views = indexer
        .pieces()
        .filter(({ piece }) => !except.has(piece))
        .map(({ data, schema }) => indexView(data, metadataOf(schema)));
      return sessions.start(request.query, views);
    }
  }
});

function walk(set: RecordSet, out: RecordSlices): void {
  (set.format === 'lines' ? lineWalker : kafkaWalker).walk(set, out);
}
