// State of the doubleMean aggregator: a sum and how many values it is of. Source: druid-query-api.md 10.

import { Failure } from '../../../core/runtime/failure.ts';
import type { Value } from '../value.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import type { AggregateState } from './state.ts';

/** Bytes of an unfinalised mean: f64 sum, i64 count, big-endian as Druid writes them. */
const OBJECT_BYTES = 16;

/** Cells of sum and count; the mean of nothing is 0, as Druid's. */
export class MeanState implements AggregateState {
  readonly cellBytes = 16;
  private sums: Float64Array = new Float64Array(0);
  private counts: Float64Array = new Float64Array(0);

  reserve(slots: number): void {
    if (slots <= this.sums.length) return;
    const size = Math.max(slots, this.sums.length * 2, 16);
    const [sums, counts] = [new Float64Array(size), new Float64Array(size)];
    sums.set(this.sums);
    counts.set(this.counts);
    this.sums = sums;
    this.counts = counts;
  }

  /** Adds values of which the sum is known. */
  add(slot: number, sum: number, count: number): void {
    this.sums[slot] = this.sums[slot]! + sum;
    this.counts[slot] = this.counts[slot]! + count;
  }

  /** Adds an unfinalised mean. @throws Failure `corrupt` ComplexCorrupt */
  addObject(slot: number, bytes: Uint8Array): void {
    if (bytes.length !== OBJECT_BYTES)
      throw new Failure('corrupt', 'ComplexCorrupt', `doubleMean object of ${bytes.length} bytes`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.add(slot, view.getFloat64(0), Number(view.getBigInt64(8)));
  }

  merge(other: AggregateState, slots: Int32Array): void {
    if (!(other instanceof MeanState)) throw new TypeError('means merge with means');
    for (let i = 0; i < slots.length; i++) this.add(slots[i]!, other.sums[i]!, other.counts[i]!);
  }

  pick(slots: Int32Array): MeanState {
    const picked = new MeanState();
    picked.sums = Float64Array.from(slots, (slot) => this.sums[slot]!);
    picked.counts = Float64Array.from(slots, (slot) => this.counts[slot]!);
    return picked;
  }

  value(slot: number): Value {
    const count = this.counts[slot] ?? 0;
    return count === 0 ? 0 : (this.sums[slot] ?? 0) / count;
  }

  raw(slot: number): Value {
    const bytes = new Uint8Array(OBJECT_BYTES);
    const view = new DataView(bytes.buffer);
    view.setFloat64(0, this.sums[slot] ?? 0);
    view.setBigInt64(8, BigInt(this.counts[slot] ?? 0));
    return bytes;
  }

  write(out: ByteWriter, count: number): void {
    out.cells(this.sums.subarray(0, count));
    out.cells(this.counts.subarray(0, count));
  }

  read(input: ByteReader, count: number): void {
    this.sums = input.doubles(count);
    this.counts = input.doubles(count);
  }
}
