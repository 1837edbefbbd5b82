// The answer of a roll-up as a short text: a hash over all groups that does not depend on their order. Used by the cases, so
// that an index and a Map of strings can be compared.

import { indexView } from '../worker/index/index-view.ts';
import type { IndexData } from '../worker/index/index-data.ts';
import type { Answer } from './case.ts';
import { SUMS } from './wikipedia-rows.ts';

/** Adds up groups. */
export class GroupHash {
  #groups = 0;
  #hash = 0;

  /** One group: its key and its numbers as text. */
  add(key: string, numbers: string): void {
    let h = 0x811c9dc5;
    const text = `${key}=${numbers}`;
    for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
    this.#hash = (this.#hash + Math.imul(h ^ (h >>> 15), 0x85ebca6b)) | 0;
    this.#groups++;
  }

  get text(): string {
    return `${this.#groups}:${(this.#hash >>> 0).toString(16)}`;
  }
}

/** The answer that an index gives: keys are time and the dimensions, numbers are the metrics, all joined by `|`. */
export function indexAnswer(data: IndexData, dimensions: readonly string[]): Answer {
  const view = indexView(data, {
    aggregators: null,
    queryGranularity: null,
    rollup: true,
    timestampSpec: null,
  });
  const { rows } = view;
  const times = new Float64Array(rows);
  view.readTimes(0, rows, times);
  const texts = dimensions.map((name) => {
    const column = view.column(name);
    if (column?.kind !== 'string') throw new Error(`${name} is no string column`);
    const values = Array.from({ length: column.dictionary.size }, (_, id) =>
      column.dictionary.value(id),
    );
    const ids = new Int32Array(rows);
    column.readIds(0, rows, ids);
    return { values, ids };
  });
  const numbers = ['count', ...SUMS].map((name) => {
    const column = view.column(name);
    if (column?.kind !== 'numeric') throw new Error(`${name} is no number column`);
    const out = new Float64Array(rows);
    column.readDoubles(0, rows, out);
    return out;
  });
  const groups = new GroupHash();
  for (let row = 0; row < rows; row++) {
    const key = texts.map(({ values, ids }) => values[ids[row] ?? 0] ?? '').join('|');
    groups.add(`${times[row]}|${key}`, numbers.map((n) => n[row]).join('|'));
  }
  const [count = 0, ...sums] = numbers.map((n) => n.reduce((sum, x) => sum + x, 0));
  return { rows: count, sums, groups: groups.text };
}
