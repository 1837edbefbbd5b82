// How a data node answers a broker: a stream of frames, so that partial results of any size flow with back-pressure
// and a failure after the first byte still has its code. Written by the data node, read by the broker's client.
//
//   frame  := type u8, length u32 big-endian, length bytes
//   answer := header (segment? partial*)* (end | failure)

import { Failure, type FailureKind } from '../../../core/runtime/failure.ts';

/** Frame types. */
export const FRAME_HEADER = 1;
export const FRAME_PARTIAL = 2;
export const FRAME_END = 3;
export const FRAME_FAILURE = 4;
/** Holds a segment id: the partials that follow are of this segment alone. */
export const FRAME_SEGMENT = 5;

/** Longest frame accepted, bytes: a part of a result is bounded by the node's own limits. */
const FRAME_BYTES_MAX = 600 * 1024 * 1024;

/** The first frame. */
export interface AnswerHeader {
  /** Segments this answer covers. */
  readonly segments: readonly string[];
  /** Asked-for segments that are not served here. */
  readonly missing: readonly string[];
  readonly lastRemovalRevision: number;
  readonly isLeased: boolean;
}

/** One frame. */
export interface Frame {
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** Bytes of a frame. */
export function writeFrame(type: number, bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(5 + bytes.length);
  out[0] = type;
  new DataView(out.buffer).setUint32(1, bytes.length);
  out.set(bytes, 5);
  return out;
}

/** Bytes of a frame that holds JSON. */
export function writeJsonFrame(type: number, value: unknown): Uint8Array {
  return writeFrame(type, Buffer.from(JSON.stringify(value)));
}

/** The failure of a failure frame. */
export function failureOf(bytes: Uint8Array): Failure {
  // Written by failureFrame of another node of the same release; unknown kinds become transient.
  const value = JSON.parse(Buffer.from(bytes).toString('utf8')) as {
    kind?: FailureKind;
    code?: string;
    message?: string;
  };
  return new Failure(
    value.kind ?? 'transient',
    value.code ?? 'Unknown',
    value.message ?? 'the node did not say why',
  );
}

/** Reads frames from a byte stream. @throws Failure `transient` AnswerCut when it ends early or is no answer */
export async function* readFrames(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  let isComplete = false;
  for await (const chunk of stream) {
    held.push(chunk);
    heldBytes += chunk.length;
    // Join only once there is enough for the frame at the head: no copying again and again of a large one.
    while (heldBytes >= 5) {
      const head = held[0] !== undefined && held[0].length >= 5 ? held[0] : join(held);
      if (head !== held[0]) held = [head];
      const length = new DataView(head.buffer, head.byteOffset, head.length).getUint32(1);
      if (length > FRAME_BYTES_MAX) throw cut(`a frame of ${length} bytes`);
      if (heldBytes < 5 + length) break;
      const all = held.length === 1 ? head : join(held);
      const frame = { type: all[0] ?? 0, bytes: all.subarray(5, 5 + length) };
      held = [all.subarray(5 + length)];
      heldBytes -= 5 + length;
      isComplete = frame.type === FRAME_END || frame.type === FRAME_FAILURE;
      yield frame;
    }
  }
  if (!isComplete) throw cut('the answer ended in the middle');
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(chunks);
}

function cut(what: string): Failure {
  return new Failure('transient', 'AnswerCut', `a data node's answer could not be read: ${what}`);
}
