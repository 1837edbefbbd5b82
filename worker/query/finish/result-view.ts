// A group result as a view, so that filters and outer queries read it like any other rows. Fed by groupBy's
// having and by nested queries. Source: druid-query-api.md 5, 12.1.

import type { View } from '../../view/view.ts';
import { valueColumn } from '../source/value-column.ts';
import { valuesView } from '../source/values-view.ts';
import type { ResultTable } from './result-table.ts';

/** The groups as rows: `times` become `__time`, output columns keep their names. */
export function tableView(table: ResultTable, times: Float64Array): View {
  return valuesView({
    segmentId: 'result',
    times,
    dimensions: table.columns.map((column) => column.name),
    make(name) {
      const output = table.column(name);
      return output === undefined
        ? undefined
        : valueColumn(name, table.values(output), output.type);
    },
  });
}
