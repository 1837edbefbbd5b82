// Which columns a filter reads. Used to filter the left side of a join before it is joined.

import { columnsOf, parseExpression } from '../expression/parser.ts';
import type { Filter } from '../filter-model.ts';

/** Names of all columns a filter reads, repeated ones included. */
function filterColumns(filter: Filter): readonly string[] {
  switch (filter.type) {
    case 'true':
    case 'false':
      return [];
    case 'and':
    case 'or':
      return filter.fields.flatMap(filterColumns);
    case 'not':
      return filterColumns(filter.field);
    case 'expression':
      return columnsOf(parseExpression(filter.expression));
    case 'columnComparison':
      return filter.dimensions.map(({ dimension }) => dimension);
    case 'arrayEquals':
    case 'arrayContains':
      return [filter.column];
    default:
      return [filter.dimension];
  }
}

/** The parts of a conjunction that read only columns of which `isWanted` holds. */
export function conjunctsOn(filter: Filter | null, isWanted: (name: string) => boolean): Filter[] {
  if (filter === null) return [];
  if (filter.type === 'and') return filter.fields.flatMap((field) => conjunctsOn(field, isWanted));
  return filterColumns(filter).every(isWanted) ? [filter] : [];
}
