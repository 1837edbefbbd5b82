// The query thread of an ingest worker or a historical: opens segment folders, answers queries over them, closes them
// once no query reads them any more. Fed by segment-host.ts.

import { threadData } from '../threads/thread.ts';
import { BlockCache } from '../../segment/block-cache.ts';
import { isFailure } from '../../../core/runtime/failure.ts';
import { openSegment, type SegmentView } from '../../segment/reader.ts';
import { type Answer, serveThread } from '../threads/thread.ts';
import type { QueryThreadRequest, SegmentBroken } from './query-thread-messages.ts';
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

serveThread<QueryThreadRequest, SegmentBroken>(async (request, emit): Promise<Answer> => {
  switch (request.type) {
    case 'open': {
      const { dir, segmentId, hashFile } = request;
      const hashes = hashFile === undefined ? {} : { hashFile };
      const view = await openSegment(dir, segmentId, { cache, ...hashes });
      const handle = nextHandle++;
      segments.set(handle, { view, users: 0, isClosing: false });
      return { value: { handle, rows: view.rows } };
    }
    case 'close':
      return { value: close(request.handle) };
    case 'query': {
      const held = request.handles.flatMap((handle) => segments.get(handle) ?? []);
      for (const one of held) one.users++;
      const views = held.map((one) => one.view);
      return reporting(emit, () =>
        sessions.start(request.query, views, () => held.forEach(release)),
      );
    }
    case 'next':
      return reporting(emit, () => sessions.next(request.session));
    case 'end':
      return { value: sessions.end(request.session) };
  }
});

/** Says of which segment it was when an answer fails for broken bytes: their failures name its folder. */
async function reporting(
  emit: (event: SegmentBroken) => void,
  answer: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await answer();
  } catch (error) {
    if (isFailure(error, 'corrupt')) {
      const { code, message } = error;
      for (const [handle, { view }] of segments)
        if (message.includes(`segment ${view.dir}: `)) emit({ handle, code, message });
    }
    throw error;
  }
}

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
