// Kafka's primitive types, both ways. "Flexible" request versions use compact lengths (unsigned varint of
// length + 1, 0 = null) and end each structure with tagged fields; older ones use fixed lengths.
// Source: https://kafka.apache.org/protocol#protocol_types

import { Failure } from '../runtime/failure.ts';

/** Writes one request body. Grows as needed; every method returns the writer. */
export class WireWriter {
  #buffer: Buffer = Buffer.alloc(256);
  #length = 0;

  /** The bytes so far, a view. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #room(bytes: number): number {
    const at = this.#length;
    if (at + bytes > this.#buffer.length) {
      const grown = Buffer.alloc(Math.max(this.#buffer.length * 2, at + bytes));
      this.#buffer.copy(grown);
      this.#buffer = grown;
    }
    this.#length += bytes;
    return at;
  }

  int8(value: number): this {
    const at = this.#room(1);
    this.#buffer.writeInt8(value, at);
    return this;
  }

  int16(value: number): this {
    const at = this.#room(2);
    this.#buffer.writeInt16BE(value, at);
    return this;
  }

  int32(value: number): this {
    const at = this.#room(4);
    this.#buffer.writeInt32BE(value, at);
    return this;
  }

  /** Exact for safe integers, which offsets are (below 2^53). */
  int64(value: number): this {
    const at = this.#room(8);
    this.#buffer.writeBigInt64BE(BigInt(value), at);
    return this;
  }

  uvarint(value: number): this {
    let rest = value;
    while (rest > 127) {
      this.int8((((rest & 127) | 128) << 24) >> 24);
      rest >>>= 7;
    }
    return this.int8(rest);
  }

  raw(bytes: Uint8Array): this {
    const at = this.#room(bytes.length);
    this.#buffer.set(bytes, at);
    return this;
  }

  /** int16 length; null as -1. */
  string(text: string | null): this {
    if (text === null) return this.int16(-1);
    const bytes = Buffer.from(text);
    return this.int16(bytes.length).raw(bytes);
  }

  compactString(text: string | null): this {
    if (text === null) return this.uvarint(0);
    const bytes = Buffer.from(text);
    return this.uvarint(bytes.length + 1).raw(bytes);
  }

  array<T>(items: readonly T[], write: (item: T) => void): this {
    this.int32(items.length);
    for (const item of items) write(item);
    return this;
  }

  compactArray<T>(items: readonly T[], write: (item: T) => void): this {
    this.uvarint(items.length + 1);
    for (const item of items) write(item);
    return this;
  }

  /** A 16-byte id from its text form. */
  uuid(text: string): this {
    return this.raw(Buffer.from(text.replaceAll('-', ''), 'hex'));
  }

  /** Ends a structure of a flexible version: no tagged fields. */
  tags(): this {
    return this.uvarint(0);
  }
}

/** Reads one response body. Every length is checked against what is there. @throws Failure `corrupt` KafkaResponseBroken */
export class WireReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (bytes < 0 || at + bytes > this.#buffer.length) {
      throw new Failure(
        'corrupt',
        'KafkaResponseBroken',
        `response of ${this.#buffer.length} bytes ends early: ${bytes} more wanted at ${at}`,
      );
    }
    this.#at = at + bytes;
    return at;
  }

  int8(): number {
    return this.#buffer.readInt8(this.#take(1));
  }

  bool(): boolean {
    return this.int8() !== 0;
  }

  int16(): number {
    return this.#buffer.readInt16BE(this.#take(2));
  }

  int32(): number {
    return this.#buffer.readInt32BE(this.#take(4));
  }

  /** As a double; offsets and timestamps are exact below 2^53. */
  int64(): number {
    const at = this.#take(8);
    return this.#buffer.readInt32BE(at) * 4_294_967_296 + this.#buffer.readUInt32BE(at + 4);
  }

  bigint64(): bigint {
    return this.#buffer.readBigInt64BE(this.#take(8));
  }

  uvarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#buffer.readUInt8(this.#take(1));
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    throw new Failure('corrupt', 'KafkaResponseBroken', 'a varint is longer than five bytes');
  }

  string(): string | null {
    const length = this.int16();
    return length < 0 ? null : this.#text(length);
  }

  compactString(): string | null {
    const length = this.uvarint() - 1;
    return length < 0 ? null : this.#text(length);
  }

  #text(length: number): string {
    const at = this.#take(length);
    return this.#buffer.toString('utf8', at, at + length);
  }

  /** A view of compact bytes, empty for null. */
  compactBytes(): Buffer {
    const length = Math.max(0, this.uvarint() - 1);
    const at = this.#take(length);
    return this.#buffer.subarray(at, at + length);
  }

  array<T>(read: () => T): T[] {
    return this.#items(this.int32(), read);
  }

  compactArray<T>(read: () => T): T[] {
    return this.#items(this.uvarint() - 1, read);
  }

  // A false count must not allocate: every item has at least one byte.
  #items<T>(count: number, read: () => T): T[] {
    if (count > this.#buffer.length - this.#at) this.#take(count);
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(read());
    return items;
  }

  /** A 16-byte id in its text form. */
  uuid(): string {
    const at = this.#take(16);
    const hex = this.#buffer.toString('hex', at, at + 16);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  /** Skips the tagged fields that end a structure. */
  tags(): void {
    for (let count = this.uvarint(); count > 0; count--) {
      this.uvarint();
      this.#take(this.uvarint());
    }
  }
}
