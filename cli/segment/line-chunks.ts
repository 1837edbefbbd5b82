// A file of lines, plain or gzip, as chunks of whole lines, each a record set for the worker's line walker. Unlike
// the file source of a stream it ends with the file, and a gzip file that is cut off is an error.

import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { Failure, messageOf } from '../../core/runtime/failure.ts';
import { MAX_RECORD_BYTES } from '../../worker/parse/row-parser.ts';
import type { RecordSet } from '../../worker/source/port.ts';

const READ_BYTES = 1 << 20;
const NEWLINE = 10;

/**
 * Record sets of partition 0 in order, each valid until the next is asked for. A line longer than any record may be is cut
 * to one byte more, which the parser refuses as tooLarge.
 *
 * @throws Failure `config` FileUnreadable, `corrupt` FileBroken
 */
export async function* lineChunks(path: string): AsyncGenerator<RecordSet, void, undefined> {
  // What is left of the chunk before stays in front of the one that follows.
  let text = Buffer.alloc(2 * READ_BYTES);
  let [kept, offset] = [0, 0];
  for await (const bytes of readBytes(path)) {
    const newline = bytes.lastIndexOf(NEWLINE);
    const end = newline < 0 ? bytes.length : newline + 1;
    const room = newline < 0 ? Math.max(0, Math.min(end, MAX_RECORD_BYTES + 1 - kept)) : end;
    if (kept + room > text.length) {
      const grown = Buffer.alloc(2 * (kept + room));
      text.copy(grown, 0, 0, kept);
      text = grown;
    }
    bytes.copy(text, kept, 0, room);
    kept += room;
    if (newline < 0) continue;
    yield recordSet(text, kept, offset);
    offset += kept;
    kept = bytes.copy(text, 0, end);
  }
  if (kept > 0) yield recordSet(text, kept, offset);
}

function recordSet(text: Buffer<ArrayBuffer>, length: number, fromOffset: number): RecordSet {
  return {
    format: 'lines',
    partition: 0,
    fromOffset,
    nextOffset: fromOffset + length,
    bytes: new Uint8Array(text.buffer, text.byteOffset, length),
    aborted: [],
    leaderEpoch: -1,
    lagRecords: 0,
  };
}

/** Chunks of the file, each valid until the next is asked for. */
async function* readBytes(path: string): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* path.endsWith('.gz') ? unpacked(path) : plain(path);
  } catch (error) {
    const isBroken =
      error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
    throw isBroken
      ? new Failure(
          'corrupt',
          'FileBroken',
          `--input ${path}: ${messageOf(error)}; the file is not gzip, is cut off or damaged`,
          error,
        )
      : new Failure(
          'config',
          'FileUnreadable',
          `--input ${path}: cannot be read (${messageOf(error)}); give the path of an ndjson file`,
          error,
        );
  }
}

async function* plain(path: string): AsyncGenerator<Buffer, void, undefined> {
  const file = await open(path);
  try {
    const chunk = Buffer.alloc(READ_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, READ_BYTES);
      if (bytesRead === 0) return;
      yield chunk.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

async function* unpacked(path: string): AsyncGenerator<Buffer, void, undefined> {
  const file = createReadStream(path, { highWaterMark: READ_BYTES });
  const gunzip = createGunzip({ chunkSize: READ_BYTES });
  file.on('error', (error) => gunzip.destroy(error));
  file.pipe(gunzip);
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) yield chunk;
  } finally {
    file.destroy();
    gunzip.destroy();
  }
}
