// first, last and any: a value and the time it was seen at. Source: druid-query-api.md 10.

import type { Value } from '../value.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import type { AggregateState } from './state.ts';

/** Which of several values stays. */
type PickOperation = 'first' | 'last' | 'any';

/** Cells of value and time; NaN time = empty. */
export class PickState implements AggregateState {
  readonly cellBytes = 64;
  readonly operation: PickOperation;
  private times: number[] = [];
  private values: Value[] = [];

  constructor(operation: PickOperation) {
    this.operation = operation;
  }

  reserve(slots: number): void {
    while (this.times.length < slots) {
      this.times.push(Number.NaN);
      this.values.push(null);
    }
  }

  /** Offers a value; ties keep the earlier offer for first and the later one for last. */
  offer(slot: number, time: number, value: Value): void {
    const held = this.times[slot] ?? Number.NaN;
    if (!Number.isNaN(held)) {
      if (this.operation === 'any' && (this.values[slot] ?? null) !== null) return;
      if (this.operation === 'first' && time >= held) return;
      if (this.operation === 'last' && time < held) return;
    }
    this.times[slot] = time;
    this.values[slot] = value;
  }

  merge(other: AggregateState, slots: Int32Array): void {
    if (!(other instanceof PickState)) throw new TypeError('picks merge with picks');
    for (let i = 0; i < slots.length; i++) {
      const time = other.times[i] ?? Number.NaN;
      if (!Number.isNaN(time)) this.offer(slots[i]!, time, other.values[i] ?? null);
    }
  }

  pick(slots: Int32Array): PickState {
    const picked = new PickState(this.operation);
    picked.times = Array.from(slots, (slot) => this.times[slot] ?? Number.NaN);
    picked.values = Array.from(slots, (slot) => this.values[slot] ?? null);
    return picked;
  }

  value(slot: number): Value {
    return this.values[slot] ?? null;
  }

  /** Time of the value, ms; half of Java's greatest or least long when nothing was offered, as Druid shows it. */
  timeOf(slot: number): bigint {
    const time = this.times[slot] ?? Number.NaN;
    if (!Number.isNaN(time)) return BigInt(time);
    return this.operation === 'first' ? 2n ** 62n - 1n : -(2n ** 62n);
  }

  raw(slot: number): Value {
    return this.value(slot);
  }

  write(out: ByteWriter, count: number): void {
    for (let i = 0; i < count; i++) {
      out.f64(this.times[i] ?? Number.NaN);
      out.value(this.values[i] ?? null);
    }
  }

  read(input: ByteReader, count: number): void {
    for (let i = 0; i < count; i++) {
      this.times[i] = input.f64();
      this.values[i] = input.value();
    }
  }
}
