// What a compiled expression is made of: a value at a row, a function of values. Used by the compiler and by the
// files of functions.

import type { Value } from '../value.ts';

/** Entries of lookups, by name of the lookup, from key to value. */
export type LookupTables = Readonly<Record<string, Readonly<Record<string, string | null>>>>;

/** The value of something at a row of the current vector. */
export type Getter = (row: number) => Value;

/** A function of the values of its arguments, in their order. */
export type ValueFunction = (args: readonly Value[]) => Value;
