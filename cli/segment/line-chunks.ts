// A file of lines, plain or gzip, as chunks of whole lines, each a record set for the worker's line walker. Unlike
// the file source of a stream it ends with the file, and a gzip file that is cut off is an error.

import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { Failure, messageOf } from '../../core/runtime/failure.ts';
import { MAX_RECORD_BYTES } from '../../worker/parse/row-parser.ts';
import type { RecordSet } from '../../worker/source/port.ts';

const READ_BYTES = 1 << 20;
const NEWLINE = 10;

/**
 * Record sets of partition 0 in order. A line longer than any record may be is cut to one byte more, which the
 * parser refuses as tooLarge.
 *
 * @throws Failure `config` FileUnreadable, `corrupt` FileBroken
 */
export async function* lineChunks(path: string): AsyncGenerator<RecordSet, void, undefined> {
  let carry: Buffer = Buffer.alloc(0);
  let offset = 0;
  for await (const bytes of readBytes(path)) {
    const newline = bytes.lastIndexOf(NEWLINE);
    if (newline < 0) {
      carry = joined(carry, bytes.subarray(0, MAX_RECORD_BYTES + 1 - carry.length));
      continue;
    }
    const whole = joined(carry, bytes.subarray(0, newline + 1));
    yield recordSet(whole, offset);
    offset += whole.length;
    carry = Buffer.from(bytes.subarray(newline + 1));
  }
  if (carry.length > 0) yield recordSet(carry, offset);
}

function joined(a: Buffer, b: Buffer): Buffer {
  return a.length === 0 ? Buffer.from(b) : Buffer.concat([a, b]);
}

function recordSet(bytes: Buffer, fromOffset: number): RecordSet {
  return {
    format: 'lines',
    partition: 0,
    fromOffset,
    nextOffset: fromOffset + bytes.length,
    bytes: new Uint8Array(bytes),
    aborted: [],
    leaderEpoch: -1,
    lagRecords: 0,
  };
}

async function* readBytes(path: string): AsyncGenerator<Buffer, void, undefined> {
  const file = createReadStream(path, { highWaterMark: READ_BYTES });
  const gunzip = path.endsWith('.gz') ? createGunzip({ chunkSize: READ_BYTES }) : undefined;
  if (gunzip !== undefined) {
    file.on('error', (error) => gunzip.destroy(error));
    file.pipe(gunzip);
  }
  const stream: AsyncIterable<Buffer> = gunzip ?? file;
  try {
    for await (const chunk of stream) yield chunk;
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
  } finally {
    file.destroy();
    gunzip?.destroy();
  }
}
