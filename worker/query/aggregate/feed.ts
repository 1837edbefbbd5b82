// Feeders put rows of a view into states: one per aggregator and view. Fed by grouping with row lists and
// slots; the states they fill are what travels. Source: druid-query-api.md 10.

import { PAIR_TYPES, readPair } from '../../../core/complex/time-pair.ts';
import { VECTOR_ROWS } from '../../view/view.ts';
import { IDENTITY } from '../engine/selection.ts';
import { getterOf, type SourceSet } from '../engine/source.ts';
import { compileFilter } from '../filter/compile.ts';
import { WORDS } from '../filter/matcher.ts';
import type { Aggregator } from '../model.ts';
import { refused } from '../parse/fields.ts';
import { convert, longOf, type Value } from '../value.ts';
import { cardinalityFeeder } from './cardinality-feed.ts';
import { ComplexState } from './complex-state.ts';
import { type Feeder, rowFeeder } from './feeder.ts';
import { IntSums } from './int-sums.ts';
import { meanFeeder } from './mean-feed.ts';
import { MeanState } from './mean-state.ts';
import { groupDoubles, groupLongs, runDoubles, runLongs } from './numeric-feed.ts';
import { type NumericInput, numericInput } from './numeric-input.ts';
import { PickState } from './pick-state.ts';
import { objectFeeder, sketchFeeder } from './sketch-feed.ts';
import { SketchState } from './sketch-state.ts';
import { type AggregateState, CountState, DoubleState, LongState } from './state.ts';

/** Ignores rows: the column is missing, so every value is null, or the value is not of the rows. */
const NOTHING: Feeder = { run: () => undefined, group: () => undefined };

/**
 * The feeder of an aggregator over one view.
 *
 * @throws Failure `input` QueryInvalid when the column's type does not fit
 */
export function makeFeeder(
  aggregator: Aggregator,
  state: AggregateState,
  sources: SourceSet,
): Feeder {
  switch (aggregator.type) {
    case 'count':
      if (state instanceof CountState) return countFeeder(state);
      break;
    case 'numeric':
      return numericFeeder(aggregator, state, sources);
    case 'pick':
      if (state instanceof PickState) return pickFeeder(aggregator, state, sources);
      break;
    case 'hyperUnique':
      if (state instanceof SketchState)
        return hyperUniqueFeeder(aggregator.fieldName, state, sources);
      break;
    case 'cardinality':
      if (state instanceof SketchState) return cardinalityFeeder(aggregator, state, sources);
      break;
    case 'sketch':
      if (state instanceof ComplexState) return sketchFeeder(state, sources);
      break;
    case 'mean':
      if (state instanceof MeanState) return meanFeeder(aggregator.fieldName, state, sources);
      break;
    case 'grouping':
      return NOTHING;
    case 'filtered':
      return filteredFeeder(aggregator, state, sources);
  }
  throw new TypeError(`aggregator ${aggregator.name}: the state is of another kind`);
}

function countFeeder(state: CountState): Feeder {
  return {
    isUsed: (slot) => state.cells[slot]! > 0,
    run(_rows, from, to, slot) {
      state.cells[slot] = state.cells[slot]! + (to - from);
    },
    runMasked({ count }, slot) {
      state.cells[slot] = state.cells[slot]! + count;
      return true;
    },
    group(_rows, count, slots) {
      const { cells } = state;
      for (let i = 0; i < count; i++) cells[slots[i]!] = cells[slots[i]!]! + 1;
    },
  };
}

function numericFeeder(
  aggregator: Aggregator & { type: 'numeric' },
  state: AggregateState,
  sources: SourceSet,
): Feeder {
  const input = numericInput(aggregator, sources);
  if (input === undefined) return NOTHING;
  if (state instanceof LongState) return longFeeder(state, input, sources);
  if (!(state instanceof DoubleState))
    throw new TypeError(`aggregator ${aggregator.name}: not a numeric state`);
  return {
    run(rows, from, to, slot) {
      input.load(rows, from, to);
      runDoubles(state, input, rows, from, to, slot);
    },
    group(rows, count, slots) {
      input.load(rows, 0, count);
      groupDoubles(state, input, rows, count, slots);
    },
  };
}

function longFeeder(state: LongState, input: NumericInput, sources: SourceSet): Feeder {
  const sums = new IntSums(state, input.slotSums);
  const isSummed = (): boolean => state.operation === 'sum' && input.nulls() === null;
  const ints = (): Int32Array | null => (isSummed() ? input.ints() : null);
  const isWhole = (rows: Int32Array, from: number, to: number): boolean =>
    rows === IDENTITY && from === 0 && to === sources.cursor.count;
  return {
    ...(input.hasNulls ? {} : { isUsed: (slot: number): boolean => state.has[slot] === 1 }),
    run(rows, from, to, slot) {
      input.load(rows, from, to);
      const sum = isWhole(rows, from, to) && isSummed() ? input.sum() : undefined;
      if (sum !== undefined) return sums.addSum(sum, slot);
      const values = ints();
      if (values === null) runLongs(state, input, rows, from, to, slot);
      else sums.run(values, rows, from, to, slot);
    },
    runMasked(mask, slot) {
      const isToEnd = mask.end === sources.cursor.count;
      const sum = isToEnd && isSummed() ? input.maskedSum(mask.words) : undefined;
      if (sum !== undefined) {
        sums.addSum(sum, slot);
        return true;
      }
      const values = ints();
      if (values !== null) sums.runMasked(values, mask, slot);
      return values !== null;
    },
    group(rows, count, slots) {
      input.load(rows, 0, count);
      if (isWhole(rows, 0, count) && isSummed() && sums.groupWhole(slots)) return;
      const values = ints();
      if (values === null) groupLongs(state, input, rows, count, slots);
      else sums.group(values, rows, count, slots);
    },
    flush: () => sums.flush(),
  };
}

function pickFeeder(
  aggregator: Aggregator & { type: 'pick' },
  state: PickState,
  sources: SourceSet,
): Feeder {
  const source = sources.source(aggregator.fieldName);
  const typed = (value: Value): Value => {
    const result = convert(Array.isArray(value) ? (value[0] ?? null) : value, aggregator.valueType);
    return typeof result === 'string' ? truncated(result, aggregator.maxStringBytes) : result;
  };
  if (source.kind === 'complex') {
    const type = PAIR_TYPES[source.column.typeName];
    if (type !== undefined && aggregator.operation !== 'any') {
      return objectFeeder(source, sources.cursor, (slot, bytes) => {
        const { timeMs, value } = readPair(type, bytes);
        if (Number.isFinite(timeMs)) state.offer(slot, timeMs, typed(value));
      });
    }
    throw refused(
      `aggregator ${aggregator.name} over the ${source.column.typeName} column ${aggregator.fieldName}`,
    );
  }
  const get = getterOf(source);
  const timeOf = getterOf(sources.source(aggregator.timeColumn));
  return rowFeeder((row, slot) => {
    const time = longOf(timeOf(row));
    if (time !== null) state.offer(slot, Number(time), typed(get(row)));
  });
}

/** At most `bytes` bytes of UTF-8, cut at a character. */
function truncated(text: string, bytes: number): string {
  if (text.length * 3 <= bytes || Buffer.byteLength(text) <= bytes) return text;
  let end = bytes;
  const encoded = Buffer.from(text);
  while (end > 0 && (encoded[end]! & 0xc0) === 0x80) end--;
  return encoded.toString('utf8', 0, end);
}

function hyperUniqueFeeder(fieldName: string, state: SketchState, sources: SourceSet): Feeder {
  const source = sources.source(fieldName);
  if (source.kind === 'missing') return NOTHING;
  if (source.kind !== 'complex' || source.column.typeName !== 'hyperUnique') {
    throw refused(
      `hyperUnique over the column ${fieldName}, which holds no hyperUnique objects`,
      'use cardinality',
    );
  }
  return objectFeeder(source, sources.cursor, (slot, bytes) => state.cell(slot).foldBytes(bytes));
}

/** Drops the rows its filter does not pass, then feeds the inner aggregator. */
function filteredFeeder(
  aggregator: Aggregator & { type: 'filtered' },
  state: AggregateState,
  sources: SourceSet,
): Feeder {
  const inner = makeFeeder(aggregator.aggregator, state, sources);
  const matcher = compileFilter(aggregator.filter, sources);
  const words = new Int32Array(WORDS);
  let serial = -1;
  let kept = new Int32Array(VECTOR_ROWS);
  let keptSlots = new Int32Array(VECTOR_ROWS);
  const prepare = (size: number): void => {
    if (serial !== sources.cursor.serial) {
      matcher.match(words, null);
      serial = sources.cursor.serial;
    }
    if (kept.length >= size) return;
    kept = new Int32Array(size);
    keptSlots = new Int32Array(size);
  };
  const passes = (row: number): boolean => ((words[row >> 5]! >>> (row & 31)) & 1) === 1;
  return {
    run(rows, from, to, slot) {
      prepare(to - from);
      let count = 0;
      for (let i = from; i < to; i++) if (passes(rows[i]!)) kept[count++] = rows[i]!;
      if (count > 0) inner.run(kept, 0, count, slot);
    },
    group(rows, count, slots) {
      prepare(count);
      let size = 0;
      for (let i = 0; i < count; i++) {
        if (!passes(rows[i]!)) continue;
        kept[size] = rows[i]!;
        keptSlots[size++] = slots[i]!;
      }
      if (size > 0) inner.group(kept, size, keptSlots);
    },
    flush: () => inner.flush?.(),
  };
}
