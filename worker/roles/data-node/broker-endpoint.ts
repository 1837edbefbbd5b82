// POST /sluice/v1/query: what a broker asks a data node. One request covers everything it wants of this node; the
// answer is about one instant and says which segments it covers. Source: protocol.md 7 "Queries on a group".

import type { Clock } from '../../../core/runtime/clock.ts';
import { Failure, isFailure, messageOf } from '../../../core/runtime/failure.ts';
import type { HttpRequest, HttpResponse } from '../../../core/runtime/http-message.ts';
import type { Route } from '../../../core/runtime/http-router.ts';
import { type Interval, parseInterval } from '../../../core/model/interval.ts';
import { errorAnswer, INTERNAL_LIMITS, parseQueryText } from '../../query/query.ts';
import {
  type AnswerHeader,
  FRAME_END,
  FRAME_FAILURE,
  FRAME_HEADER,
  FRAME_PARTIAL,
  FRAME_SEGMENT,
  writeFrame,
  writeJsonFrame,
} from './frames.ts';
import { nodeParts, queryHandle, TIMEOUT_DEFAULT_MS } from './node-query.ts';
import type { Selection, SegmentHolder, Wanted } from './segment-holder.ts';
import type { RunningQueries } from './running-queries.ts';

/** The body of a broker's request. Intervals are `start/end`. */
export interface BrokerRequest {
  /** The native query over a table, as JSON text (text keeps 64-bit numbers exact). */
  readonly query: string;
  readonly dataSource: string;
  readonly listed?: readonly {
    readonly id: string;
    readonly path: string;
    readonly intervals: readonly string[];
  }[];
  /** Results segment by segment, so that each can be cached. Only with `listed`. */
  readonly perSegment?: boolean;
  readonly except?: { readonly ids: readonly string[]; readonly intervals: readonly string[] };
}

/** Longest request: a query with the right sides of its joins, and the ids of many segments. */
const BODY_BYTES_MAX = 256 * 1024 * 1024;

/** The route. */
export function brokerRoute(holder: SegmentHolder, running: RunningQueries, clock: Clock): Route {
  return {
    method: 'POST',
    path: '/sluice/v1/query',
    accepts: ['application/json'],
    bodyBytesMax: BODY_BYTES_MAX,
    handler: (request) => answer(request, holder, running, clock),
  };
}

function answer(
  request: HttpRequest,
  holder: SegmentHolder,
  running: RunningQueries,
  clock: Clock,
): HttpResponse {
  try {
    const asked = readRequest(request.body);
    const query = parseQueryText(asked.query, INTERNAL_LIMITS);
    const handle = queryHandle(
      clock,
      query.context.timeoutMs ?? TIMEOUT_DEFAULT_MS,
      request.signal,
    );
    const selection = holder.select(asked.dataSource, wantedOf(asked));
    const header: AnswerHeader = {
      segments: selection.segments.map((s) => s.id),
      missing: selection.missing,
      lastRemovalRevision: holder.lastRemovalRevision(),
      isLeased: holder.isLeased(),
    };
    const finish = running.add(query.context.queryId, handle);
    const perSegment = asked.perSegment === true;
    const selections = perSegment ? bySegment(selection) : [selection];
    const body = frames(asked.query, selections, perSegment, header, {
      cancelWord: handle.cancelWord,
      finish,
    });
    return { status: 200, headers: { 'content-type': 'application/octet-stream' }, body };
  } catch (error) {
    const { status, body } = errorAnswer(error);
    return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  }
}

async function* frames(
  text: string,
  selections: readonly Selection[],
  perSegment: boolean,
  header: AnswerHeader,
  running: { readonly cancelWord: Int32Array; readonly finish: () => void },
): AsyncGenerator<Uint8Array> {
  try {
    yield writeJsonFrame(FRAME_HEADER, header);
    for (const selection of selections) {
      const [only] = selection.segments;
      if (perSegment && only !== undefined) yield writeFrame(FRAME_SEGMENT, Buffer.from(only.id));
      for await (const part of nodeParts(text, selection, running.cancelWord)) {
        yield writeFrame(FRAME_PARTIAL, part);
      }
    }
    yield writeJsonFrame(FRAME_END, {});
  } catch (error) {
    const { kind, code } = isFailure(error) ? error : { kind: 'bug', code: 'InternalError' };
    yield writeJsonFrame(FRAME_FAILURE, { kind, code, message: messageOf(error) });
  } finally {
    running.finish();
  }
}

/** One selection a segment. */
function bySegment(selection: Selection): readonly Selection[] {
  return selection.segments.map((segment) => ({ ...selection, segments: [segment] }));
}

function readRequest(body: Uint8Array): BrokerRequest {
  const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
  if (
    typeof value !== 'object' ||
    value === null ||
    !('query' in value) ||
    typeof value.query !== 'string' ||
    !('dataSource' in value)
  ) {
    throw new Failure('input', 'QueryInvalid', 'a request of a broker holds query and dataSource');
  }
  // Sent by query-client.ts of the same release; the query text itself is parsed with all checks.
  return value as BrokerRequest;
}

function wantedOf(asked: BrokerRequest): Wanted {
  const intervals = (texts: readonly string[]): Interval[] => texts.map(parseInterval);
  if (asked.listed !== undefined) {
    return {
      type: 'listed',
      segments: asked.listed.map((s) => ({
        id: s.id,
        path: s.path,
        intervals: intervals(s.intervals),
      })),
    };
  }
  return {
    type: 'except',
    ids: asked.except?.ids ?? [],
    intervals: intervals(asked.except?.intervals ?? []),
  };
}
