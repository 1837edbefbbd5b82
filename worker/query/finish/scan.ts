// Writes scan batches as they come: skips the offset, stops at the limit, and regroups rows into elements of
// batchSize rows of one segment. Holds at most one element. Source: druid-query-api.md 6.7, 17.

import type { ScanQuery } from '../model.ts';
import type { ScanBatch } from '../partial.ts';
import { valueJson } from './json.ts';

/** Turns batches into JSON elements. */
export class ScanWriter {
  private readonly query: ScanQuery;
  private skip: number;
  private left: number;
  /** Rows of the element being gathered. */
  private rows: string[] = [];
  private head: ScanBatch | undefined;

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
    const cells = batch.columns.map((name, c) => {
      const json = valueJson(batch.values[c]?.[row] ?? null, batch.types[c] === 'FLOAT');
      return this.query.compacted ? json : `${JSON.stringify(name)}:${json}`;
    });
    return this.query.compacted ? `[${cells.join(',')}]` : `{${cells.join(',')}}`;
  }
}
