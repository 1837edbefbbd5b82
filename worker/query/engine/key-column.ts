// A dimension as small integers: one code per distinct value within a view, so that grouping never touches a
// string. Dictionary ids are used as they are where nothing transforms them; values are looked up for result
// groups only. Fed by source.ts; feeds group-rows.ts. Source: performance.md 6.

import type { DimensionSpec } from '../filter-model.ts';
import type { Getter } from '../expression/function.ts';
import { convertItems, identityText, type OutputType, textOf, type Value } from '../value.ts';
import { dimensionTransform, DROPPED, isPlain, type Transform } from './dimension-getter.ts';
import { getterOf, type Source, type SourceSet } from './source.ts';
import type { NumericSource, StringSource } from './stored-source.ts';

/** Code of a value the dimension leaves out. */
const LEFT_OUT = -1;

/** A dimension over one view. */
export interface KeyColumn {
  /** Codes are below this, or it is unknown: Infinity. */
  readonly cardinality: number;
  /** True when a row may have several codes or none; then only {@link codesOfRow} may be used. */
  readonly multi: boolean;
  /** Codes of `rows[0 .. count-1]`: in `out`, or in an array of its own that holds until the next vector. */
  codes(rows: Int32Array, count: number, out: Int32Array): Int32Array;
  /** Appends the codes of one row, LEFT_OUT ones excluded; none means nothing is left. */
  codesOfRow(row: number, out: number[]): void;
  value(code: number): Value;
  /** As {@link value} of codes of which none comes twice; absent where that is no quicker. */
  values?(codes: Int32Array): readonly Value[];
}

/** @throws Failure `input` QueryInvalid when an extraction function cannot be compiled */
export function keyColumn(spec: DimensionSpec, sources: SourceSet): KeyColumn {
  const named = sources.source(spec.dimension);
  if (spec.isArray) return arrays(named, spec.outputType);
  const source = named.kind === 'computed' && named.isArray ? printed(named) : named;
  const transform = dimensionTransform(spec, source);
  if (source.kind === 'string') {
    return isPlain(spec) ? plainText(source) : mappedText(source, transform, spec.keep.length > 0);
  }
  if (source.kind === 'computed' && source.perText !== null) {
    const { map } = source.perText;
    return mappedText(
      source.perText.source,
      (value) => transformList(map(typeof value === 'string' ? value : null), transform),
      spec.keep.length > 0,
    );
  }
  if (source.kind === 'numeric') return numbers(source, transform, spec.keep.length > 0);
  return computed(source, transform, spec.keep.length > 0);
}

/** An expression of one text may still give a list; its text form is the dimension's value. */
function transformList(value: Value, transform: Transform): Value | typeof DROPPED {
  return transform(value);
}

function plainText(source: StringSource): KeyColumn {
  const { column } = source;
  return {
    cardinality: column.dictionary.size,
    multi: column.multi,
    codes(rows, count, out) {
      const ids = source.ids();
      // Without a filter the rows are those of the vector.
      if (count > 0 && rows[0] === 0 && rows[count - 1] === count - 1) return ids;
      for (let i = 0; i < count; i++) out[i] = ids[rows[i]!]!;
      return out;
    },
    codesOfRow(row, out) {
      const { offsets, ids } = source.lists();
      for (let i = offsets[row]!; i < offsets[row + 1]!; i++) out.push(ids[i]!);
    },
    value: (code) => source.text(code),
    values: (codes) =>
      column.dictionary.values?.(codes) ?? Array.from(codes, (code) => source.text(code)),
  };
}

/** Codes of transformed values, given out in order of appearance. */
class Codes {
  readonly values: Value[] = [];
  private readonly known = new Map<Value, number>();
  private minusZero = -1;

  codeOf(value: Value | typeof DROPPED): number {
    if (value === DROPPED) return LEFT_OUT;
    // A Map takes -0 for 0, Druid does not.
    if (Object.is(value, -0)) {
      if (this.minusZero < 0) this.minusZero = this.values.push(value) - 1;
      return this.minusZero;
    }
    let code = this.known.get(value);
    if (code === undefined) {
      code = this.values.push(value) - 1;
      this.known.set(value, code);
    }
    return code;
  }

  value(code: number): Value {
    return this.values[code] ?? null;
  }
}

const UNSEEN = -2;

function mappedText(source: StringSource, transform: Transform, mayDrop: boolean): KeyColumn {
  const { column } = source;
  const codes = new Codes();
  const table = new Int32Array(column.dictionary.size).fill(UNSEEN);
  const codeOf = (id: number): number => {
    const code = table[id]!;
    if (code !== UNSEEN) return code;
    return (table[id] = codes.codeOf(transform(source.text(id))));
  };
  return {
    cardinality: column.dictionary.size,
    multi: column.multi || mayDrop,
    codes(rows, count, out) {
      const ids = source.ids();
      for (let i = 0; i < count; i++) {
        const code = table[ids[rows[i]!]!]!;
        out[i] = code === UNSEEN ? codeOf(ids[rows[i]!]!) : code;
      }
      return out;
    },
    codesOfRow(row, out) {
      const { offsets, ids } = source.lists();
      for (let i = offsets[row]!; i < offsets[row + 1]!; i++) {
        const code = codeOf(ids[i]!);
        if (code !== LEFT_OUT) out.push(code);
      }
    },
    value: (code) => codes.value(code),
  };
}

/** Numbers are told apart by value first, so that the transform runs once a distinct number. */
function numbers(source: NumericSource, transform: Transform, mayDrop: boolean): KeyColumn {
  const codes = new Codes();
  const small = new Map<number, number>();
  const get = getterOf(source);
  let nullCode = UNSEEN;
  const codeAt = (row: number): number => {
    if (source.nulls()?.[row] === 1)
      return nullCode === UNSEEN ? (nullCode = codes.codeOf(transform(null))) : nullCode;
    const double = source.doubles()[row]!;
    // Doubles stand for longs only while they are exact, and a Map takes -0 for 0.
    if (
      double === 0
        ? source.type !== 'LONG'
        : source.type === 'LONG' && !Number.isSafeInteger(double)
    ) {
      return codes.codeOf(transform(get(row)));
    }
    let code = small.get(double);
    if (code === undefined) {
      code = codes.codeOf(transform(get(row)));
      small.set(double, code);
    }
    return code;
  };
  return fromRows(codes, codeAt, mayDrop);
}

function fromRows(codes: Codes, codeAt: (row: number) => number, multi: boolean): KeyColumn {
  return {
    cardinality: Number.POSITIVE_INFINITY,
    multi,
    codes(rows, count, out) {
      for (let i = 0; i < count; i++) out[i] = codeAt(rows[i]!);
      return out;
    },
    codesOfRow(row, out) {
      const code = codeAt(row);
      if (code !== LEFT_OUT) out.push(code);
    },
    value: (code) => codes.value(code),
  };
}

function computed(source: Source, transform: Transform, mayDrop: boolean): KeyColumn {
  const codes = new Codes();
  if (source.kind === 'missing') {
    const code = codes.codeOf(transform(null));
    return { ...fromRows(codes, () => code, mayDrop), cardinality: 1 };
  }
  const get = getterOf(source);
  let lastValue: Value | undefined;
  let lastCode = UNSEEN;
  const codeAt = (row: number): number => {
    const value = get(row);
    if (lastCode === UNSEEN || value !== lastValue) {
      lastCode = codes.codeOf(transform(value));
      lastValue = value;
    }
    return lastCode;
  };
  return {
    ...fromRows(codes, codeAt, true),
    codesOfRow(row, out) {
      const value = get(row);
      const items: readonly Value[] = Array.isArray(value) ? value : [value];
      for (const item of items) {
        const code = codes.codeOf(transform(item));
        if (code !== LEFT_OUT) out.push(code);
      }
    },
  };
}

/** An array as a text dimension: one value, as Java prints a list. */
function printed(source: Source & { kind: 'computed' }): Source {
  const get: Getter = (row) => {
    const value = source.get(row);
    return Array.isArray(value)
      ? `[${value.map((item: Value) => textOf(item) ?? 'null').join(', ')}]`
      : value;
  };
  return { ...source, get, isArray: false };
}

/** Whole lists; a scalar counts as a list of one. */
function arrays(source: Source, type: OutputType): KeyColumn {
  const get = getterOf(source);
  const values: Value[] = [];
  const known = new Map<string, number>();
  const codeAt = (row: number): number => {
    const value = get(row);
    const list = value === null ? null : convertItems(Array.isArray(value) ? value : [value], type);
    const key = identityText(list);
    let code = known.get(key);
    if (code === undefined) {
      code = values.push(list) - 1;
      known.set(key, code);
    }
    return code;
  };
  return {
    cardinality: Number.POSITIVE_INFINITY,
    multi: false,
    codes(rows, count, out) {
      for (let i = 0; i < count; i++) out[i] = codeAt(rows[i]!);
      return out;
    },
    codesOfRow(row, out) {
      out.push(codeAt(row));
    },
    value: (code) => values[code] ?? null,
  };
}
