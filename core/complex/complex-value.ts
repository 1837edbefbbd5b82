// What a cell of a complex column is while it grows: something that takes values, folds others of its kind in and
// turns into the bytes that Druid stores. Implemented by the sketches and pairs of this folder; held by the
// in-memory index, the segment merge and query states.

import { Failure } from '../runtime/failure.ts';

/** A growing value. */
export interface ComplexValue {
  /** Bytes of the arrays it holds. */
  readonly heldBytes: number;
  /**
   * Folds stored bytes of the same type in.
   *
   * @throws Failure `corrupt` ComplexCorrupt when they are none
   */
  foldBytes(bytes: Uint8Array): void;
  /** Folds another of the same kind in, which stays as it is. */
  fold(other: ComplexValue): void;
  /** The stored form, in an array of its own. */
  toBytes(): Uint8Array;
}

/** Room for a hash of 64 bits, or of fewer in `low` alone. */
export interface ValueHash {
  low: number;
  high: number;
}

/** How the values of a sketch of distinct values are hashed. False = such a value is ignored. */
export interface ValueHasher {
  /** UTF-8 text `bytes[start .. end-1]`. */
  text(bytes: Uint8Array, start: number, end: number, out: ValueHash): boolean;
  long(low: number, high: number, out: ValueHash): boolean;
  double(value: number, out: ValueHash): boolean;
}

/** A sketch of distinct values. */
export interface HashSketch extends ComplexValue {
  /** Adds a value hashed by the hasher of its kind. */
  addHash(low: number, high: number): void;
  /** Estimated number of distinct values. */
  estimate(): number;
}

/** Bytes that are not what their type says. */
export function corruptBytes(type: string, offset: number, what: string): Failure {
  return new Failure('corrupt', 'ComplexCorrupt', `${type} object at byte ${offset}: ${what}`);
}
