// One request of the broker to a data node and its framed answer. Source: frames.ts.

import { formatInterval } from '../../../core/model/interval.ts';
import { Failure, isFailure, messageOf } from '../../../core/runtime/failure.ts';
import type { BrokerRequest } from '../data-node/broker-endpoint.ts';
import {
  type AnswerHeader,
  FRAME_END,
  FRAME_FAILURE,
  FRAME_HEADER,
  FRAME_PARTIAL,
  FRAME_SEGMENT,
  failureOf,
  readFrames,
} from '../data-node/frames.ts';
import type { FreshPart, HistoricalPart } from './query-plan.ts';

/** An answer whose header has arrived. */
export interface NodeAnswer {
  readonly server: string;
  readonly header: AnswerHeader;
  /** Encoded partial results; `segment` only where results were asked segment by segment. */
  readonly parts: AsyncIterable<{
    readonly segment: string | undefined;
    readonly bytes: Uint8Array;
  }>;
}

/** The request for published segments of one historical. */
export function listedRequest(
  dataSource: string,
  text: string,
  part: HistoricalPart,
  perSegment: boolean,
): BrokerRequest {
  const listed = part.segments.map((s) => ({
    id: s.id,
    path: s.path,
    intervals: s.intervals.map(formatInterval),
  }));
  return { query: text, dataSource, listed, perSegment };
}

/** The request for everything fresh of one worker. */
export function freshRequest(dataSource: string, text: string, part: FreshPart): BrokerRequest {
  return {
    query: text,
    dataSource,
    except: { ids: part.except, intervals: part.intervals.map(formatInterval) },
  };
}

/**
 * Sends a request and waits for the header.
 *
 * @throws Failure `transient` NodeUnavailable when the node cannot be reached; what the node itself said otherwise
 */
export async function askNode(
  server: string,
  address: string,
  request: BrokerRequest,
  signal: AbortSignal,
): Promise<NodeAnswer> {
  const response = await fetch(`http://${address}/sluice/v1/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
    signal,
  }).catch((error: unknown) => {
    throw unavailable(server, error);
  });
  if (response.status !== 200 || response.body === null) {
    const text = await response.text().catch(() => '');
    throw refusal(server, response.status, text);
  }
  const frames = readFrames(response.body);
  const first = await frames.next().catch((error: unknown) => {
    throw isFailure(error) ? error : unavailable(server, error);
  });
  if (first.done === true || first.value.type !== FRAME_HEADER)
    throw unavailable(server, new Error('no header'));
  // Written by broker-endpoint.ts of the same release.
  const header = JSON.parse(Buffer.from(first.value.bytes).toString('utf8')) as AnswerHeader;
  return { server, header, parts: partsOf(server, frames) };
}

async function* partsOf(
  server: string,
  frames: ReturnType<typeof readFrames>,
): NodeAnswer['parts'] extends AsyncIterable<infer T> ? AsyncGenerator<T> : never {
  let segment: string | undefined;
  try {
    for await (const { type, bytes } of frames) {
      if (type === FRAME_PARTIAL) yield { segment, bytes };
      else if (type === FRAME_SEGMENT) segment = Buffer.from(bytes).toString('utf8');
      else if (type === FRAME_FAILURE) throw failureOf(bytes);
      else if (type === FRAME_END) return;
    }
  } catch (error) {
    throw isFailure(error) ? error : unavailable(server, error);
  }
}

function unavailable(server: string, error: unknown): Failure {
  return new Failure(
    'transient',
    'NodeUnavailable',
    `server ${server} does not answer: ${messageOf(error)}`,
    error,
  );
}

function refusal(server: string, status: number, text: string): Failure {
  try {
    const { errorClass, errorMessage } = JSON.parse(text) as {
      errorClass?: string;
      errorMessage?: string;
    };
    const kind = status === 400 ? 'input' : 'transient';
    return new Failure(kind, errorClass ?? 'NodeUnavailable', errorMessage ?? text);
  } catch {
    return new Failure(
      'transient',
      'NodeUnavailable',
      `server ${server} answered with status ${status}`,
    );
  }
}
