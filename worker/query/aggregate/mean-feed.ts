// Feeder of doubleMean: numbers as doubles, texts as Druid reads them, each value of several. Part of feed.ts.
// Source: druid-query-api.md 10.

import { getterOf, type SourceSet } from '../engine/source.ts';
import { refused } from '../parse/fields.ts';
import { doubleOf, type Value } from '../value.ts';
import { type Feeder, rowFeeder } from './feeder.ts';
import type { MeanState } from './mean-state.ts';
import { objectFeeder } from './sketch-feed.ts';

/** @throws Failure `input` QueryInvalid when the column holds objects of another type */
export function meanFeeder(fieldName: string, state: MeanState, sources: SourceSet): Feeder {
  const source = sources.source(fieldName);
  if (source.kind === 'complex') {
    if (source.column.typeName !== 'doubleMean')
      throw refused(`doubleMean over the ${source.column.typeName} column ${fieldName}`);
    return objectFeeder(source, sources.cursor, (slot, bytes) => state.addObject(slot, bytes));
  }
  if (source.kind === 'numeric') {
    return rowFeeder((row, slot) => {
      if (source.nulls()?.[row] !== 1) state.add(slot, source.doubles()[row]!, 1);
    });
  }
  const get = getterOf(source);
  const add = (value: Value, slot: number): void => {
    if (Array.isArray(value)) for (const item of value as readonly Value[]) add(item, slot);
    // Of a text that is no number Druid makes a zero, which counts.
    else if (value !== null) state.add(slot, doubleOf(value) ?? 0, 1);
  };
  return rowFeeder((row, slot) => add(get(row), slot));
}
