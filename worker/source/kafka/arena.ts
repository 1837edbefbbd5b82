// One growing buffer that a whole record set is decompressed into, so that its slices share an address space.
// Bounded: false lengths in the data must not become allocations.

import { Failure } from '../../../core/runtime/failure.ts';

/** The buffer. `bytes` may be replaced by {@link reserve}. */
export class Arena {
  bytes: Uint8Array<ArrayBuffer>;
  length = 0;
  readonly #bytesMax: number;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.bytes = new Uint8Array(64 * 1024);
  }

  /** Makes room for `count` more bytes. @throws Failure `corrupt` BatchTooLarge */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    if (needed > this.#bytesMax) {
      throw new Failure(
        'corrupt',
        'BatchTooLarge',
        `decompressed records exceed ${this.#bytesMax} bytes`,
      );
    }
    const larger = new Uint8Array(
      Math.min(this.#bytesMax, Math.max(needed, this.bytes.length * 2)),
    );
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }

  /** Appends bytes. */
  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Bytes that may still be appended. */
  get room(): number {
    return this.#bytesMax - this.length;
  }
}
