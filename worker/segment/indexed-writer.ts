// Writes indexed containers (version 1) value by value: the number of values is known before, their lengths are
// not, so the end offsets are filled in at the end. Used for dictionaries, bitmaps, blocks and name lists.
// Source: druid-segment-format.md 2.1.1; the grammar stands in indexed-container.ts.

import { Failure } from '../../core/runtime/failure.ts';
import { bytesOfI32, type ByteWriter, toBigEndian } from './byte-writer.ts';

/** All lengths and offsets of a container are signed 32-bit. */
const CONTAINER_BYTES_MAX = 2_147_483_647;
const NULL_MARKER = -1;
const PRESENT_MARKER = 0;

/** A container being written. Exactly `size` values, then {@link finish}. */
export class IndexedWriter {
  readonly #out: ByteWriter;
  readonly #ends: Int32Array;
  readonly #lengthAt: number;
  readonly #valuesAt: number;
  #count = 0;

  constructor(out: ByteWriter, size: number, sorted: boolean) {
    this.#out = out;
    this.#ends = new Int32Array(size);
    out.u8(1);
    out.u8(sorted ? 1 : 0);
    this.#lengthAt = out.reserve(4);
    out.i32(size);
    out.reserve(4 * size);
    this.#valuesAt = out.position;
  }

  /** Adds a value; undefined is null. */
  add(value: Uint8Array | undefined): void {
    if (value !== undefined) {
      this.addRange(value, 0, value.length);
      return;
    }
    this.#out.i32(NULL_MARKER);
    this.end();
  }

  /** Adds `bytes[start..end)`. */
  addRange(bytes: Uint8Array, start: number, end: number): void {
    this.#out.i32(PRESENT_MARKER);
    this.#out.range(bytes, start, end);
    this.end();
  }

  /** Ends a value whose marker and payload were written straight to the sink. */
  end(): void {
    const end = this.#out.position - this.#valuesAt;
    if (end > CONTAINER_BYTES_MAX - 4 - 4 * this.#ends.length) {
      throw new Failure(
        'config',
        'SegmentTooLarge',
        'a column of the segment exceeds 2 GiB; lower segments.maxRows or segments.maxBytes',
      );
    }
    this.#ends[this.#count++] = end;
  }

  /** Fills in length and end offsets. */
  finish(): void {
    const size = this.#ends.length;
    if (this.#count !== size) {
      throw new Failure('bug', 'AssertionFailed', `${this.#count} of ${size} container values`);
    }
    this.#out.patch(this.#lengthAt, bytesOfI32(this.#out.position - this.#lengthAt - 4));
    if (size > 0) this.#out.patch(this.#lengthAt + 8, toBigEndian(this.#ends));
  }
}

/** Writes a list of names; the flag is 1 when they happen to be strictly ascending after each non-null one. */
export function writeNames(out: ByteWriter, names: readonly (string | null)[]): void {
  const sorted = names.every((name, i) => {
    const previous = i === 0 ? null : (names[i - 1] ?? null);
    return previous === null || (name !== null && previous < name);
  });
  const writer = new IndexedWriter(out, names.length, sorted);
  const encoder = new TextEncoder();
  for (const name of names) writer.add(name === null ? undefined : encoder.encode(name));
  writer.finish();
}
