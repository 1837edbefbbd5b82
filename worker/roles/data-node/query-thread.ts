// The query thread of an ingest worker or a historical: opens segment folders, answers queries over them, closes them
// once no query reads them any more. Fed by segment-host.ts.

import { threadData } from '../threads/thread.ts';
import { BlockCache } from '../../segment/block-cache.ts';
import { openSegment, type SegmentView } from '../../segment/reader.ts';
import { type Answer, serveThread } from '../threads/thread.ts';
import type { QueryThreadRequest } from './query-thread-messages.ts';
import { QuerySessions } from './query-sessions.ts';

/** Decoded blocks kept by default. */
const CACHE_BYTES = 256 * 1024 * 1024;

interface Held {
  readonly view: SegmentView;
  users: number;
  isClosing: boolean;
}

const data = threadData();
const cache = new BlockCache(typeof data === 'number' ? data : CACHE_BYTES);
const segments = new Map<number, Held>();
const sessions = new QuerySessions();
let nextHandle = 1;

serveThread<QueryThreadRequest, never>(async (request): Promise<Answer> => {
  switch (request.type) {
    case 'open': {
      const view = await openSegment(request.dir, request.segmentId, { cache });
      const handle = nextHandle++;
      segments.set(handle, { view, users: 0, isClosing: false });
      return { value: { handle, rows: view.rows } };
    }
    case 'close':
      return { value: close(request.handle) };
    case 'query': {
      const held = request.handles.flatMap((handle) => segments.get(handle) ?? []);
      for (const one of held) one.users++;
      return sessions.start(
        request.query,
        held.map((one) => one.view),
        () => held.forEach(release),
      );
    }
    case 'next':
      return sessions.next(request.session);
    case 'end':
      return { value: sessions.end(request.session) };
  }
});

function release(held: Held): void {
  held.users--;
  if (held.users === 0 && held.isClosing) held.view.close();
}

function close(handle: number): void {
  const held = segments.get(handle);
  segments.delete(handle);
  if (held === undefined) return;
  held.isClosing = true;
  if (held.users === 0) held.view.close();
}
