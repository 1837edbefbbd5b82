// Bytes of values that do not stand in the record as they are stored: unescaped text, numbers as Java prints them,
// list elements. One buffer a parser, reset each row.

import { hashBytes } from '../view/fields.ts';

/** A growing byte buffer. */
export class TextScratch {
  bytes: Uint8Array = new Uint8Array(4096);
  used = 0;
  #view: DataView = new DataView(this.bytes.buffer);

  reset(): void {
    this.used = 0;
  }

  /** Appends text as UTF-8 (lone surrogates become `?`, as Java writes them). Returns its first byte. */
  append(text: string): number {
    const encoded = Buffer.from(
      text.isWellFormed() ? text : text.replaceAll(/\p{Surrogate}/gu, '?'),
      'utf8',
    );
    this.#reserve(encoded.length);
    const at = this.used;
    this.bytes.set(encoded, at);
    this.used += encoded.length;
    return at;
  }

  /** Decodes the JSON string content at `start .. end-1` (checked by the scanner). Returns its first byte. */
  unescape(source: Uint8Array, start: number, end: number): number {
    const text = Buffer.from(source.buffer, source.byteOffset + start, end - start).toString(
      'utf8',
    );
    return this.append(String(JSON.parse(`"${text}"`)));
  }

  hash(start: number, end: number): number {
    return hashBytes(this.bytes, this.#view, start, end);
  }

  #reserve(bytes: number): void {
    if (this.used + bytes <= this.bytes.length) return;
    const bigger = new Uint8Array(Math.max(this.bytes.length * 2, this.used + bytes));
    bigger.set(this.bytes.subarray(0, this.used));
    this.bytes = bigger;
    this.#view = new DataView(bigger.buffer);
  }
}
