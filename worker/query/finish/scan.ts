// Writes scan batches as they come: skips the offset, stops at the limit, and regroups rows into elements of
// batchSize rows of one segment. Holds at most one element. Source: druid-query-api.md 6.7, 17.

import { PAIR_TYPES, readPair } from '../../../core/complex/time-pair.ts';
import type { ScanQuery } from '../model.ts';
import type { ScanBatch } from '../partial.ts';
import { valueJson } from './json.ts';

/** A pair of a first or last metric as `{"lhs":time,"rhs":value}`, any other object as base64. */
function objectJson(bytes: Uint8Array, columnType: string | null): string {
  const type = PAIR_TYPES[columnType?.slice('COMPLEX<'.length, -1) ?? ''];
  if (type === undefined) return valueJson(bytes);
  const time = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getBigInt64(0);
  return `{"lhs":${time},"rhs":${valueJson(readPair(type, bytes).value, type === 'FLOAT')}}`;
}

/** Turns batches into JSON elements. */
export class ScanWriter {
  private readonly query: ScanQuery;
  private skip: number;
  private left: number;
  /** Rows of the element being gathered. */
  private rows: string[] = [];
  private head: ScanBatch | undefined;
  private keyed: readonly string[] | undefined;
  private keys: readonly string[] = [];

  constructor(query: ScanQuery) {
    this.query = query;
    this.skip = query.offset;
    this.left = query.limit ?? Number.POSITIVE_INFINITY;
  }

  /** True when the limit is reached: no further batch is needed. */
  get isFull(): boolean {
    return this.left === 0;
  }

  /** Elements that a batch completes. */
  *add(batch: ScanBatch): Generator<string> {
    if (this.head !== undefined && !this.belongs(batch)) yield* this.end();
    for (let row = 0; row < batch.size && this.left > 0; row++) {
      if (this.skip > 0) {
        this.skip--;
        continue;
      }
      this.head ??= batch;
      this.rows.push(this.rowJson(batch, row));
      this.left--;
      if (this.rows.length >= this.query.batchSize) yield* this.end();
    }
  }

  /** The last, unfilled element. */
  *end(): Generator<string> {
    const { head, rows } = this;
    if (head === undefined) return;
    this.head = undefined;
    this.rows = [];
    const segment = this.query.order === 'none' ? JSON.stringify(head.segmentId) : 'null';
    const signature = head.columns.map((name, c) => {
      const type = head.types[c] ?? null;
      return type === null
        ? `{"name":${JSON.stringify(name)}}`
        : `{"name":${JSON.stringify(name)},"type":${JSON.stringify(type)}}`;
    });
    yield `{"segmentId":${segment},"columns":${JSON.stringify(head.columns)},"events":[${rows.join(',')}],"rowSignature":[${signature.join(',')}]}`;
  }

  private belongs(batch: ScanBatch): boolean {
    const { head } = this;
    if (head === undefined) return true;
    const isSameSegment = this.query.order !== 'none' || head.segmentId === batch.segmentId;
    return (
      isSameSegment &&
      head.columns.length === batch.columns.length &&
      head.columns.every((name, c) => name === batch.columns[c])
    );
  }

  private rowJson(batch: ScanBatch, row: number): string {
    const { columns, types, values } = batch;
    const { compacted } = this.query;
    const keys = this.keysOf(columns);
    let json = compacted ? '[' : '{';
    for (let c = 0; c < columns.length; c++) {
      if (c > 0) json += ',';
      if (!compacted) json += keys[c];
      const value = values[c]?.[row] ?? null;
      json +=
        value instanceof Uint8Array
          ? objectJson(value, types[c] ?? null)
          : valueJson(value, types[c] === 'FLOAT');
    }
    return json + (compacted ? ']' : '}');
  }

  /** `"name":` of each column, made once for batches of the same columns. */
  private keysOf(columns: readonly string[]): readonly string[] {
    if (columns !== this.keyed) {
      this.keyed = columns;
      this.keys = columns.map((name) => `${JSON.stringify(name)}:`);
    }
    return this.keys;
  }
}
