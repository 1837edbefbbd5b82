// Little-endian byte writer and reader of intermediate results. Lengths are checked on reading: bytes that do
// not fit are `corrupt`. Used by states and by partial-codec.ts.

import { Failure } from '../../../core/runtime/failure.ts';
import type { Value } from '../value.ts';

function corrupt(what: string): Failure {
  return new Failure('corrupt', 'PartialCorrupt', `intermediate result: ${what}`);
}

/** Appends; grows by doubling. */
export class ByteWriter {
  private buffer: Buffer = Buffer.allocUnsafe(4096);
  private length = 0;

  private room(bytes: number): number {
    const at = this.length;
    this.length += bytes;
    if (this.length > this.buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.length));
      this.buffer.copy(grown, 0, 0, at);
      this.buffer = grown;
    }
    return at;
  }

  u8(value: number): void {
    const at = this.room(1);
    this.buffer[at] = value;
  }

  u32(value: number): void {
    const at = this.room(4);
    this.buffer.writeUInt32LE(value, at);
  }

  f64(value: number): void {
    const at = this.room(8);
    this.buffer.writeDoubleLE(value, at);
  }

  i64(value: bigint): void {
    const at = this.room(8);
    this.buffer.writeBigInt64LE(value, at);
  }

  text(value: string): void {
    const bytes = Buffer.byteLength(value);
    this.u32(bytes);
    const at = this.room(bytes);
    this.buffer.write(value, at, 'utf8');
  }

  bytes(value: Uint8Array): void {
    this.u32(value.length);
    this.raw(value);
  }

  /** Without a length in front. */
  raw(value: Uint8Array): void {
    const at = this.room(value.length);
    this.buffer.set(value, at);
  }

  /** A typed array as its bytes, length known to the reader. */
  cells(value: BigInt64Array | Float64Array | Uint8Array): void {
    this.raw(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  }

  /** A tagged value. */
  value(value: Value): void {
    if (value === null) this.u8(0);
    else if (typeof value === 'string') {
      this.u8(1);
      this.text(value);
    } else if (typeof value === 'bigint') {
      this.u8(2);
      this.i64(value);
    } else if (typeof value === 'number') {
      this.u8(3);
      this.f64(value);
    } else if (value instanceof Uint8Array) {
      this.u8(5);
      this.bytes(value);
    } else {
      this.u8(4);
      this.u32(value.length);
      for (const item of value) this.value(item);
    }
  }

  finish(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }
}

/** Reads what {@link ByteWriter} wrote. @throws Failure `corrupt` PartialCorrupt when bytes run out */
export class ByteReader {
  private readonly buffer: Buffer;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  private take(bytes: number): number {
    const at = this.at;
    if (bytes > this.buffer.length - at)
      throw corrupt(`${bytes} bytes wanted at ${at} of ${this.buffer.length}`);
    this.at += bytes;
    return at;
  }

  u8(): number {
    return this.buffer.readUInt8(this.take(1));
  }

  u32(): number {
    return this.buffer.readUInt32LE(this.take(4));
  }

  /** A count of things of at least `bytesEach` bytes, so that a bad count never allocates. */
  count(bytesEach: number): number {
    const count = this.u32();
    if (count * bytesEach > this.buffer.length - this.at)
      throw corrupt(`a count of ${count} at ${this.at} does not fit`);
    return count;
  }

  f64(): number {
    return this.buffer.readDoubleLE(this.take(8));
  }

  i64(): bigint {
    return this.buffer.readBigInt64LE(this.take(8));
  }

  text(): string {
    const bytes = this.u32();
    const at = this.take(bytes);
    return this.buffer.toString('utf8', at, at + bytes);
  }

  bytes(): Uint8Array {
    const length = this.u32();
    return this.raw(length);
  }

  raw(length: number): Uint8Array {
    const at = this.take(length);
    return Uint8Array.from(this.buffer.subarray(at, at + length));
  }

  longs(count: number): BigInt64Array {
    return new BigInt64Array(this.raw(count * 8).buffer);
  }

  doubles(count: number): Float64Array {
    return new Float64Array(this.raw(count * 8).buffer);
  }

  value(): Value {
    const tag = this.u8();
    switch (tag) {
      case 0:
        return null;
      case 1:
        return this.text();
      case 2:
        return this.i64();
      case 3:
        return this.f64();
      case 4:
        return Array.from({ length: this.count(1) }, () => this.value());
      case 5:
        return this.bytes();
      default:
        throw corrupt(`value tag ${tag} is unknown`);
    }
  }

  end(): void {
    if (this.at !== this.buffer.length)
      throw corrupt(`${this.buffer.length - this.at} bytes left over`);
  }
}
